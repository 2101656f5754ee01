import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { createRelayHub } from '../../test/fakes/relay-hub.ts';
import { createTerminal } from '../../test/fakes/terminal.ts';
import { encodeNpub, encodeNsec, generateSecretKey, publicKeyOf } from '../nostr/keys.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { openDm } from '../nostr/open.ts';
import { isDropped, type OpenedDm } from '../nostr/opened-dm.ts';
import { createRumor, sealDm } from '../nostr/seal.ts';
import { registerChat } from './chat.ts';
import { registerDm } from './dm.ts';

const RELAY = 'ws://127.0.0.1:7777';
const rng = { bytes: (length: number) => randomBytes(length) };
const INVOICE = `lnbcrt100n1${'q'.repeat(200)}`;

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'timmy-dm-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function world(payStub?: (bolt11: string) => Promise<string>) {
  const hub = createRelayHub([RELAY]);
  const clock = createHandClock();
  const timmy = createLocalSigner(generateSecretKey(rng), rng);
  const open = () =>
    createTerminal(
      { hub, clock, cwd, env: { HOME: cwd }, ...(payStub !== undefined && { payStub }) },
      (program, cli) => {
        registerDm(program, cli);
        registerChat(program, cli);
      },
    );

  /** The next message to Timmy. */
  const heard = async (): Promise<OpenedDm> => {
    const dm = await openDm(await hub.next(1059), timmy, clock.now());
    if (isDropped(dm)) throw new Error(dm.dropped);
    return dm;
  };
  /** Timmy's word to a customer; `later` seconds, so that several have an order. */
  const say = async (to: string, content: string, later = 0): Promise<void> => {
    const createdAt = (clock.now() + later) as OpenedDm['createdAt'];
    const rumor = createRumor({ pubkey: timmy.publicKey, kind: 14, content, createdAt, recipients: [to] });
    await hub.put(RELAY, await sealDm(rumor, to, timmy, rng, clock.now()));
  };
  const npub = encodeNpub(timmy.publicKey);
  return { hub, clock, open, heard, say, npub };
}

describe('timmy dm', () => {
  it('sends the words as one message and prints what comes back, in order, until the time is over', async () => {
    const { clock, open, heard, say, npub } = world();
    const t = open();
    const hearing = heard();
    const running = t.run('dm', npub, 'write', 'a', 'haiku', '--relay', RELAY, '--wait', '7');
    const request = await hearing;
    expect(request.content).toBe('write a haiku');
    await clock.timerSet(7000);
    await say(request.sender, INVOICE, 2);
    await say(request.sender, 'J-4KQ7M. \u001b[2J10 sats', 1);
    clock.advance(7000);
    expect(await running).toBe(0);
    expect(t.out()).toBe(`J-4KQ7M. [2J10 sats\n${INVOICE}\n`);
    expect(t.err()).toContain(RELAY);
  });

  it('--until stops at the first match; without one exit 1', async () => {
    const { clock, open, heard, say, npub } = world();
    const t = open();
    const hearing = heard();
    const running = t.run('dm', npub, 'hi', '--relay', RELAY, '--until', '^lnbc', '--json', '--as', customerKey());
    const { sender } = await hearing;
    await clock.timerSet(60_000);
    await say(sender, 'price', 1);
    await say(sender, INVOICE, 2);
    clock.advance(150);
    expect(await running).toBe(0);
    const lines = t.out().trimEnd().split('\n');
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { text: 'price', npub, protocol: 'nip17', reply_to: null },
      { text: INVOICE, created_at: clock.now() + 2 },
    ]);

    const second = open();
    const again = second.run('dm', npub, 'hi', '--relay', RELAY, '--until', 'never', '--wait', '3');
    await clock.timerSet(3000);
    clock.advance(3000);
    expect(await again).toBe(1);
    expect(second.out()).toBe('');
  });

  it('--as takes a file or an nsec, and the same key stays the same customer', async () => {
    const { open, heard, npub } = world();
    const secretKey = generateSecretKey(rng);
    const nsec = encodeNsec(secretKey).expose();
    writeFileSync(join(cwd, 'customer'), `${nsec}\n`);
    for (const as of ['customer', nsec]) {
      const hearing = heard();
      expect(await open().run('dm', npub, 'hi', '--relay', RELAY, '--as', as, '--wait', '0')).toBe(0);
      expect((await hearing).sender).toBe(publicKeyOf(secretKey));
    }
  });

  it.each([
    [2, ['npub1nonsense', 'hi']],
    [2, ['NPUB', 'hi', '--relay', 'https://relay.example']],
    [2, ['NPUB', 'hi', '--until', '(']],
    [2, ['NPUB', 'hi', '--wait', 'long']],
    [2, ['NPUB', 'hi', '--protocol', 'nip99']],
    [2, ['NPUB']],
    [1, ['NPUB', 'hi', '--relay', RELAY, '--as', 'missing']],
    [1, ['NPUB', 'LONG', '--relay', RELAY]],
  ])('exit %i: %j', async (code, words) => {
    const { open, npub } = world();
    expect(
      await open().run(
        'dm',
        ...words.map((word) => (word === 'NPUB' ? npub : word === 'LONG' ? 'x'.repeat(70_000) : word)),
      ),
    ).toBe(code);
  });
});

describe('timmy chat', () => {
  it('sends lines, pays the last invoice, and shows the next time what came meanwhile', async () => {
    const paid: string[] = [];
    const { clock, open, heard, say, npub } = world(async (bolt11) => {
      paid.push(bolt11);
      return 'Paid.';
    });
    const t = open();
    const hearing = heard();
    const running = t.run('chat', npub, '--relay', RELAY);
    t.stdin.write('a haiku\n');
    const request = await hearing;
    expect(request.content).toBe('a haiku');
    await say(request.sender, INVOICE, 1);
    clock.advance(150);
    await t.shows(INVOICE);
    t.stdin.write('/pay\n/quit\n');
    expect(await running).toBe(0);
    expect(paid).toEqual([INVOICE]);

    await say(request.sender, 'your haiku', 5);
    const back = open();
    const returning = back.run('chat', npub, '--relay', RELAY);
    await back.shows('your haiku');
    back.stdin.write('/quit\n');
    expect(await returning).toBe(0);
    expect(back.out()).toBe('your haiku\n');
  });
});

function customerKey(): string {
  return encodeNsec(generateSecretKey(rng)).expose();
}
