import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openCustomer } from '../builders/daemon-customer.ts';
import { ANSWER, openOutside, type Outside } from '../builders/daemon-outside.ts';
import { buyByWords } from '../builders/daemon-purchase.ts';
import { openedBy } from '../builders/thief.ts';

const CANARY = 'capercaillie';

let outside: Outside;
beforeEach(async () => {
  outside = await openOutside();
});
afterEach(() => outside.close());

test('after forget no file and no log line has a word of the customer, a copy from before opens no more, and the books agree', async () => {
  const daemon = outside.daemon();
  await daemon.start();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  const { receipts } = await buyByWords(customer, outside.lnbits, `What does the ${CANARY} eat?`);
  const away = mkdtempSync(join(tmpdir(), 'timmy-copy-'));
  const database = join(away, 'timmy.db');
  for (const side of ['', '-wal']) copyFileSync(join(daemon.dataDir, `timmy.db${side}`), database + side);
  const opened = (): string =>
    openedBy({ database, keys: join(daemon.dataDir, 'keys.db'), secretKey: daemon.secretKey }).join('\n');
  expect(opened()).toContain(CANARY);
  expect(opened()).toContain(ANSWER);

  await customer.say('forget');
  await customer.ear.takeText(/^Erased for good: \d+ texts/);
  expect(opened()).toBe('');
  const looks = (): void => {
    const files = readdirSync(daemon.dataDir, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name)));
    for (const word of [CANARY, ANSWER]) {
      expect(Buffer.concat(files).includes(word)).toBe(false);
      expect(JSON.stringify(daemon.log) + daemon.stderr).not.toContain(word);
    }
  };
  looks();

  await daemon.kill9();
  await daemon.start();
  expect(opened()).toBe('');
  looks();
  expect(await daemon.cli('ledger', 'verify')).toMatchObject({ code: 0 });
  await customer.say('receipt');
  const [again] = await customer.ear.takeText(/^\{.*"sig":.*\}$/s);
  expect(again.split('\n').sort()).toEqual(receipts.split('\n').sort());
  await customer.close();
  rmSync(away, { recursive: true });
});

test.each(['acting', 'acted', 'committed'])(
  'killed at texts.forget:%s it is done by the next life, which says so',
  async (point) => {
    const daemon = outside.daemon();
    await daemon.start({ TIMMY_CRASH_AT: `texts.forget:${point}` });
    const customer = await openCustomer(outside.relays, daemon.publicKey);
    await customer.say(`quote What does the ${CANARY} eat?`);
    await customer.ear.takeText(/^That would be/);
    const away = mkdtempSync(join(tmpdir(), 'timmy-copy-'));
    const database = join(away, 'timmy.db');
    for (const side of ['', '-wal']) copyFileSync(join(daemon.dataDir, `timmy.db${side}`), database + side);
    const opened = (): string =>
      openedBy({ database, keys: join(daemon.dataDir, 'keys.db'), secretKey: daemon.secretKey }).join();
    expect(opened()).toContain(CANARY);
    await customer.say('forget');
    expect((await daemon.ended()).signal).toBe('SIGKILL');
    await daemon.start();
    await customer.ear.takeText(/^Erased for good: \d+ texts/);
    expect(opened()).toBe('');
    await customer.say('help');
    await customer.ear.takeText(/job <text>/);
    expect(customer.ear.messages.filter(({ text }) => text.startsWith('Erased'))).toHaveLength(1);
    await customer.close();
    rmSync(away, { recursive: true });
  },
);
