import { createRequire } from 'node:module';
import { Ear, type Chat } from '../builders/daemon-chat.ts';

/** The little of @rust-nostr/nostr-sdk 0.43 (wasm) that a customer needs. */
interface RustNostr {
  loadWasmAsync(): Promise<void>;
  readonly Keys: { generate(): Keys };
  readonly NostrSigner: { keys(keys: Keys): object };
  readonly Client: new (signer: object) => Client;
  readonly EventBuilder: new (kind: object, content: string) => { tags(tags: object[]): object };
  readonly Kind: new (kind: number) => object;
  readonly Tag: { parse(tag: string[]): object };
  readonly PublicKey: { parse(hex: string): PublicKey };
  readonly Filter: new () => { kind(kind: object): { pubkey(key: PublicKey): object } };
  readonly Duration: { fromSecs(seconds: number): object };
}

interface PublicKey {
  toHex(): string;
}

interface Keys {
  readonly publicKey: PublicKey;
}

interface Sent {
  readonly success: readonly string[];
}

interface Client {
  automaticAuthentication(enable: boolean): void;
  addRelay(url: string): Promise<boolean>;
  tryConnect(timeout: object): Promise<unknown>;
  subscribe(filter: object): Promise<unknown>;
  sendEventBuilder(builder: object): Promise<Sent>;
  sendPrivateMsgTo(urls: string[], receiver: PublicKey, text: string): Promise<Sent>;
  unwrapGiftWrap(event: WrapEvent): Promise<{ readonly sender: PublicKey; readonly rumor: Rumor }>;
  handleNotifications(handlers: {
    handleEvent: (relay: string, subscription: string, event: WrapEvent) => Promise<boolean>;
    handleMsg: () => Promise<boolean>;
  }): { abort(): void };
  shutdown(): Promise<void>;
}

interface WrapEvent {
  readonly id: { toHex(): string };
  readonly kind: { asU16(): number };
}

interface Rumor {
  readonly id: { toHex(): string } | undefined;
  readonly content: string;
}

/**
 * A customer on rust-nostr's client: its own sockets, its own AUTH, its own NIP-17. `folder` is where npm put it.
 * Resolves when it listens and its relay list (kind 10050) is accepted.
 */
export async function openRustNostr(
  folder: string,
  relays: readonly string[],
  timmy: string,
  admit: (publicKey: string) => Promise<void>,
): Promise<Chat> {
  const sdk = createRequire(`${folder}/`)('@rust-nostr/nostr-sdk') as RustNostr;
  await sdk.loadWasmAsync();
  const keys = sdk.Keys.generate();
  const publicKey = keys.publicKey.toHex();
  await admit(publicKey);
  const receiver = sdk.PublicKey.parse(timmy);
  const ear = new Ear();
  const client = new sdk.Client(sdk.NostrSigner.keys(keys));
  client.automaticAuthentication(true);
  for (const url of relays) await client.addRelay(url);
  await client.tryConnect(sdk.Duration.fromSecs(5));
  const listening = client.handleNotifications({
    handleEvent: async (_relay, _subscription, event) => {
      if (event.kind.asU16() !== 1059) return false;
      const id = event.id.toHex();
      const { sender, rumor } = await client.unwrapGiftWrap(event);
      if (sender.toHex() !== timmy) return false;
      ear.hear(id, { rumorId: rumor.id?.toHex() ?? '', text: rumor.content });
      return false;
    },
    handleMsg: async () => false,
  });
  await client.subscribe(new sdk.Filter().kind(new sdk.Kind(1059)).pubkey(keys.publicKey));
  const list = new sdk.EventBuilder(new sdk.Kind(10050), '');
  accepted(await client.sendEventBuilder(list.tags(relays.map((url) => sdk.Tag.parse(['relay', url])))));
  return {
    publicKey,
    ear,
    say: async (text) => accepted(await client.sendPrivateMsgTo([...relays], receiver, text)),
    close: async () => {
      listening.abort();
      await client.shutdown();
    },
  };
}

function accepted({ success }: Sent): void {
  if (success.length === 0) throw new Error('no relay took the event');
}
