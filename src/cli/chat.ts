import { mkdirSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import type { Command } from 'commander';
import { sleep } from '../lib/clock.ts';
import { ConfigError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import { plusSeconds } from '../lib/units.ts';
import { encodeNpub, publicKeyOf } from '../nostr/keys.ts';
import { createConversation, PROMPT, promptAfter } from './chat-screen.ts';
import {
  protocolOf,
  recipientOf,
  relaysFor,
  settingsOf,
  withAddressOptions,
  type AddressOptions,
} from './customer/address-options.ts';
import { customerDirectory, customerKey, lastShown, rememberShown } from './customer/key-file.ts';
import { open, send } from './dm.ts';
import { print, say } from './output.ts';
import { knownSecretKey } from './own-key.ts';
import { relaysOfDaemon } from './reading.ts';
import { Failure, UsageError, type Cli } from './run.ts';

interface ChatOptions extends AddressOptions {
  readonly json?: true;
}

const HELP = `What you type is sent. Besides that:
  /pay     pay the last invoice (only where Timmy runs with the stub wallet, on this machine)
  /qr      show the last invoice once more
  /quit    leave (Ctrl-D too); answers wait for you until you come back
For what Timmy sells: help`;

/** How long a chat whose input has ended (a pipe) listens on after the last word. */
const LINGER_MS = 10_000;

/**
 * `timmy chat [NPUB]`: a customer at the keyboard, with a key of its own in the user's data directory, so that what
 * came while nobody looked is shown the next time. Without NPUB it talks to the Timmy of this configuration.
 */
export function registerChat(program: Command, cli: Cli): void {
  withAddressOptions(
    program.command('chat').argument('[npub]', 'whom to talk to; without it the Timmy of this configuration'),
  )
    .description('talk to Timmy as a customer')
    .option('--json', 'one JSON object a line for each message that comes')
    .action(async (npub: string | undefined, options: ChatOptions) => {
      const recipient = npub === undefined ? ownPublicKey(cli) : recipientOf(npub);
      const protocol = protocolOf(options);
      const directory = customerDirectory(cli.env);
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const seen = lastShown(directory);
      let lines: Interface | undefined;
      const conversation = createConversation({
        recipient,
        columns: () => (cli.stdout.isTTY ? cli.stdout.columns : 0),
        write: (words, value) => {
          if (cli.stdin.isTTY) cli.stdout.write('\r\u001b[K');
          print(cli, options.json === true, value, words);
          lines?.prompt(true);
        },
      });
      let prompt = PROMPT;
      const customer = await open(cli, {
        ...(npub === undefined ? relaysHere(cli, options) : relaysFor(options, () => settingsOf(cli))),
        secretKey: customerKey(directory, cli.rng),
        ...(seen > 0 && { showSince: plusSeconds(seen, 1) }),
        connect: (signer) => cli.connect(signer),
        clock: cli.clock,
        rng: cli.rng,
        log: silentLog,
        onMessage: (message) => {
          if (message.from === recipient) prompt = promptAfter(message.text, prompt);
          lines?.setPrompt(prompt);
          conversation.receive(message);
          rememberShown(directory, message.createdAt);
        },
      });
      // Not before: lines that come while nobody iterates are lost.
      const input = createInterface({
        input: cli.stdin,
        terminal: cli.stdin.isTTY,
        ...(cli.stdin.isTTY && { output: cli.stdout, prompt }),
      });
      if (cli.stdin.isTTY) lines = input;
      try {
        say(cli, `You are ${encodeNpub(customer.publicKey)}, talking to ${encodeNpub(recipient)}. /help tells more.`);
        lines?.prompt();
        for await (const line of input) {
          const text = line.trim();
          if (text === '/quit') return;
          await obey(text);
          lines?.prompt();
        }
        if (!cli.stdin.isTTY) await sleep(cli.clock, LINGER_MS);
      } finally {
        input.close();
        await customer.close();
      }

      async function obey(text: string): Promise<void> {
        if (text === '') return;
        if (text === '/help') return say(cli, HELP);
        if (text === '/qr') return say(cli, conversation.lastInvoice()?.shown ?? 'There was no invoice yet.');
        try {
          if (text === '/pay') say(cli, await pay(cli, conversation.lastInvoice()?.bolt11));
          else await send(customer, recipient, text, protocol);
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          say(cli, error.message);
        }
      }
    });
}

/** Where the Timmy of this configuration reads: what it reads now, where it runs on this machine. */
function relaysHere(cli: Cli, options: ChatOptions): ReturnType<typeof relaysFor> {
  if (options.relay !== undefined) return relaysFor(options, () => settingsOf(cli));
  const settings = settingsOf(cli);
  const read = relaysOfDaemon(settings.TIMMY_DATA_DIR);
  if (read.length > 0) return { relays: read, discoveryRelays: [] };
  say(
    cli,
    `No Timmy runs here (TIMMY_DATA_DIR ${settings.TIMMY_DATA_DIR}): what you write waits at the relays of the settings.`,
  );
  return relaysFor(options, () => settings);
}

async function pay(cli: Cli, bolt11: string | undefined): Promise<string> {
  if (bolt11 === undefined) return 'There was no invoice yet.';
  if (cli.payStub === undefined) return 'There is no stub wallet here: pay it in your own wallet.';
  return cli.payStub(bolt11);
}

function ownPublicKey(cli: Cli): string {
  try {
    return publicKeyOf(knownSecretKey(settingsOf(cli)));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(
      'chat needs to know whom to talk to: timmy chat NPUB. (Here no key of Timmy is configured. To try one on this machine: timmy start --dev in another terminal)',
    );
  }
}
