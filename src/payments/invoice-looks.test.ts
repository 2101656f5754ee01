import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTill, type Till } from '../../test/builders/till.ts';
import { findInvoice, lookLate, lookSoon } from './index.ts';

let till: Till;
beforeEach(() => (till = openTill()));
afterEach(() => till.close());

/** Makes so many invoices of this order that were never paid and whose end has passed, all due for a look. */
function lapsed(count: number): void {
  const { database, clock } = till;
  const now = clock.now();
  const insert = database.read.$client.prepare(
    `INSERT INTO invoices (order_kind, order_id, owner, purpose, amount_sats, description, expiry_seconds, state, may_fail,
       bolt11, payment_hash, created_at, expires_at) VALUES ('job', 'J-OLD00', 'aa', 'eval', 10, 'x', 600, 'lapsed', 1, 'ln', ?, ?, ?)`,
  );
  database.write((tx) => {
    for (let n = 0; n < count; n++) {
      const { lastInsertRowid } = insert.run(`old ${n}`, now - 1200, now - 600);
      lookLate(tx, Number(lastInsertRowid), now, now);
    }
  });
}

const looks = (): number => till.countOf('lookupInvoice');

describe('looks at invoices', () => {
  it('5,000 lapsed ones, all due: a fresh payment is seen within 3 s without a push, at 20 calls a second at most', async () => {
    lapsed(5000);
    const id = till.want();
    await till.wait(1);
    till.wallet.receive(till.hashOf(id), 10_000n);
    const before = till.wallet.calls.length;
    await till.wait(3);
    expect(findInvoice(till.database.read, id)?.state).toBe('paid');
    expect(till.wallet.calls.length - before).toBeLessThanOrEqual(60);
  });

  it('lapsed ones cost one look in two seconds in all, once each had its turn', async () => {
    lapsed(100);
    await till.wait(60);
    const before = looks();
    await till.wait(200);
    expect(looks() - before).toBeLessThanOrEqual(110);
  });

  it('a late one that somebody speaks of is looked at before all that are due', async () => {
    const id = till.want({ expirySeconds: 60 });
    await till.wait(1);
    await till.waitLong(120);
    expect(findInvoice(till.database.read, id)?.state).toBe('lapsed');
    lapsed(500);
    till.wallet.receive(till.hashOf(id), 10_000n);
    till.database.write((tx) => lookSoon(tx, till.hashOf(id), till.clock.now()));
    await till.wait(2);
    expect(findInvoice(till.database.read, id)?.state).toBe('paid');
  });

  it('with 100 open, one call for all of them finds the payment within 3 s', async () => {
    for (let n = 0; n < 100; n++) till.want();
    await till.wait(3);
    const id = till.want();
    await till.wait(12);
    till.wallet.receive(till.hashOf(id), 10_000n);
    const before = till.wallet.calls.length;
    await till.wait(3);
    expect(findInvoice(till.database.read, id)?.state).toBe('paid');
    expect(till.wallet.calls.length - before).toBeLessThanOrEqual(60);
  });
});
