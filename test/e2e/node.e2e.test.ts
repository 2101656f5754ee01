import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nip19 } from 'nostr-tools';
import { generateSecretKey } from 'nostr-tools/pure';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCustomer } from '../builders/daemon-customer.ts';
import { openOutside, type Outside } from '../builders/daemon-outside.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO2B1H8dTeUn2pDKxVvZkbl7dtd8ebqaCwFAIUKL1uIH me@here';

let outside: Outside;
beforeEach(async () => {
  outside = await openOutside();
});
afterEach(() => outside.close());

/** Every file below it, read whole; what ran on a stubbed machine is not Timmy's. */
function filesOf(folder: string): string[] {
  return filesIn(folder).filter((path) => statSync(path).isFile() && !path.includes('/stub-cloud/nodes/'));
}

test('a node is sold by a running daemon: what it tells its owner is in no file, log or memory of Timmy', async () => {
  const daemon = outside.daemon();
  await daemon.start();
  const secretKey = generateSecretKey();
  const customer = await openCustomer(outside.relays, daemon.publicKey, { secretKey, patienceMs: 60_000 });
  await customer.say(`bootstrap ${KEY}`);
  expect((await customer.ear.takeText(/10000 sats for 30 days/)).input).toMatch(/^STUB: no server exists\. B-/);
  const bolt11 = (await customer.ear.takeText(/^lnbc/)).input;
  expect(outside.lnbits.payInvoice(bolt11)).toBe(true);
  await customer.ear.takeText(/ runs at 203\.0\.113\./);
  const introduction = (await customer.ear.takeText(/has a key of its own/)).input;
  const npub = /npub1[0-9a-z]+/.exec(introduction)?.[0] ?? '';

  // From the key that Timmy named, and from no other.
  const node = nip19.decode(npub).data as string;
  const owner = await openCustomer(outside.relays, node, { secretKey, patienceMs: 60_000 });
  const letter = (await owner.ear.takeText(/Credentials of B-/)).input;
  const password = /password: (\S+)/.exec(letter)?.[1] ?? '';
  expect(password.length).toBeGreaterThan(20);
  expect(customer.ear.messages.some(({ text }) => text.includes(password))).toBe(false);
  await owner.say('status');
  expect((await owner.ear.takeText(/block|sync/i)).input).toMatch(/^STUB/);

  const identity = filesIn(join(daemon.dataDir, 'stub-cloud', 'nodes')).find((path) => path.endsWith('identity.json'));
  const secret = /[0-9a-f]{64}/.exec(readFileSync(identity ?? '', 'utf8'))?.[0] ?? '-';
  // It is a look into all of its memory: what Timmy does know is found there.
  const held = canariesIn(daemon.pid ?? 0, { relay: outside.relays[0] ?? '', password, secret });
  expect(held).toEqual(['relay']);
  await daemon.stop();
  for (const path of filesOf(daemon.dataDir)) {
    const bytes = readFileSync(path);
    for (const canary of [password, secret]) expect([path, bytes.includes(canary)]).toEqual([path, false]);
  }
  for (const canary of [password, secret, KEY]) expect(JSON.stringify(daemon.log)).not.toContain(canary);
  await owner.close();
  await customer.close();
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
}

/** Which of these stand anywhere in the memory that a process has written, in bytes or in UTF-16. Linux, its parent. */
function canariesIn(pid: number, canaries: Readonly<Record<string, string>>): string[] {
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    const bytes = readRange(memory, BigInt(`0x${from}`), BigInt(`0x${to}`));
    for (const [name, canary] of Object.entries(canaries))
      if (bytes.includes(canary) || bytes.includes(canary, 0, 'utf16le')) found.add(name);
  }
  closeSync(memory);
  return [...found].sort();
}

/** What can be read of it: parts of a range may never have been touched. */
function readRange(file: number, from: bigint, to: bigint): Buffer {
  const bytes = Buffer.alloc(Number(to - from));
  try {
    readSync(file, bytes, 0, bytes.length, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
  }
  return bytes;
}
