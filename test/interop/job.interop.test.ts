import { generateSecretKey, getPublicKey } from 'nostr-tools/pure';
import { afterEach, describe, expect, test } from 'vitest';
import { readBooks } from '../builders/daemon-books.ts';
import type { Chat } from '../builders/daemon-chat.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { openOutside } from '../builders/daemon-outside.ts';
import { buyByRpc, buyByWords } from '../builders/daemon-purchase.ts';
import { talkByRpc, talkByWords } from '../builders/daemon-talk.ts';
import { startLocalRelay, startNostrRelay, type ForeignRelay } from './relays.ts';
import { openRustNostr } from './rust-nostr.ts';

const { INTEROP_PYTHON: python = '', INTEROP_NPM: npm = '' } = process.env;
if (python === '' || npm === '')
  throw new Error('run test/interop/run.sh: it fetches the relays and clients of others');

let cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.reverse()) await step();
  cleanUp = [];
});
const later = (step: () => Promise<void>): void => void cleanUp.push(step);

const rustNostr = (relay: ForeignRelay, timmy: string): Promise<Chat> =>
  openRustNostr(npm, [relay.url], timmy, (key) => relay.admit(key));
const nostrTools = (relay: ForeignRelay, timmy: string): Promise<Chat> => openCustomer([relay.url], timmy);
/** rust-nostr's client waits for nostr-relay's OK to its AUTH, which never comes. */
const nostrToolsWithAuth = async (relay: ForeignRelay, timmy: string): Promise<Chat> => {
  const secretKey = generateSecretKey();
  await relay.admit(getPublicKey(secretKey));
  return openCustomer([relay.url], timmy, { secretKey, answersAuth: true });
};

describe.each([
  ['LocalRelay', 'open', 'rust-nostr', startLocalRelay, rustNostr],
  ['LocalRelay', 'with AUTH required', 'rust-nostr', startLocalRelay, rustNostr],
  ['LocalRelay', 'open', 'nostr-tools', startLocalRelay, nostrTools],
  ['nostr-relay', 'open', 'rust-nostr', startNostrRelay, rustNostr],
  ['nostr-relay', 'with AUTH required', 'nostr-tools', startNostrRelay, nostrToolsWithAuth],
] as const)('over %s, %s, a customer on %s buys and talks', (_relay, how, _client, start, open) => {
  test.each([
    ['in words', buyByWords, talkByWords],
    ['in JSON-RPC', buyByRpc, talkByRpc],
  ] as const)('%s', async (_dialect, buy, talk) => {
    const relay = await start(python, how !== 'open');
    later(() => relay.close());
    const outside = await openOutside([relay.url]);
    later(() => outside.close());
    const daemon = outside.daemon();
    await relay.admit(daemon.publicKey);
    await daemon.start();
    const chat = await open(relay, daemon.publicKey);
    later(() => chat.close());

    const { evalSats, workSats, changeSats } = await buy(chat, outside.lnbits);
    const { depositSats, topupSats, spentSats, restSats } = await talk(chat, outside.lnbits);
    await daemon.stop();
    const totalMsats = 100_000_000 + (evalSats + workSats - changeSats + spentSats) * 1000;
    expect(await readBooks(daemon, outside.lnbits)).toEqual({
      verify: { exitCode: 0, stdout: '{"ok":true,"broken":[],"late":[]}' },
      ledgerMsats: totalMsats,
      lnbitsMsats: totalMsats,
      received: [evalSats, workSats, depositSats, topupSats].map((sats) => sats * 1000),
      paidOut: [changeSats * 1000, restSats * 1000],
      underWay: 0,
      violations: [],
    });
  });
});

test('LocalRelay with AUTH required does refuse who does not authenticate', async () => {
  const relay = await startLocalRelay(python, true);
  later(() => relay.close());
  await expect(openCustomer([relay.url], '00'.repeat(32))).rejects.toThrow('refused the event');
});
