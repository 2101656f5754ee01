import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npubEncode } from 'nostr-tools/nip19';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBooks } from '../builders/daemon-books.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { ANSWER, openOutside, type Outside } from '../builders/daemon-outside.ts';
import { buyByRpc, buyByWords, REQUEST } from '../builders/daemon-purchase.ts';

let outside: Outside;
beforeEach(async () => {
  outside = await openOutside();
});
afterEach(() => outside.close());

describe('a job, from the first word to the receipt', () => {
  test.each([
    ['in words', buyByWords],
    ['in JSON-RPC', buyByRpc],
  ] as const)('%s', async (_dialect, buy) => {
    const { lnbits, anthropic } = outside;
    const daemon = outside.daemon();
    const ready = await daemon.start();
    expect(ready).toMatchObject({ relays: outside.relays, npub: expect.stringMatching(/^npub1/) as string });
    const customer = await openCustomer(outside.relays, daemon.publicKey);

    const bought = await buy(customer, lnbits);
    expect(bought).toMatchObject({ evalSats: 10 });
    expect(bought.changeSats).toBeGreaterThan(0);
    expect(anthropic.calls.map(({ role }) => role)).toEqual(['eval', 'work']);

    const file = join(daemon.dataDir, 'receipts.jsonl');
    writeFileSync(file, bought.receipts);
    expect(await daemon.cli('verify', file, '--signer', npubEncode(daemon.publicKey))).toMatchObject({ code: 0 });
    expect(await daemon.cli('verify', '--chain', file)).toMatchObject({ code: 0 });

    const { evalSats, workSats, changeSats } = bought;
    expect(await readBooks(daemon, lnbits)).toMatchObject({
      verify: { exitCode: 0 },
      ledgerMsats: 100_000_000 + (evalSats + workSats - changeSats) * 1000,
      lnbitsMsats: 100_000_000 + (evalSats + workSats - changeSats) * 1000,
      received: [evalSats * 1000, workSats * 1000],
      paidOut: [changeSats * 1000],
      underWay: 0,
      violations: [],
    });
    await daemon.stop();

    // Promise 5: not even at debug level.
    const said = JSON.stringify(daemon.log) + daemon.stderr;
    const secrets = [REQUEST, ANSWER, Buffer.from(daemon.secretKey).toString('hex'), 'sk-ant-', 'lnbc'];
    for (const secret of [...secrets, lnbits.wallet.adminkey, lnbits.wallet.inkey]) expect(said).not.toContain(secret);
    expect(said).not.toMatch(/nsec1|"level":"error"/);
    await customer.close();
  });
});
