import { randomBytes } from 'node:crypto';
import { decodeInvoice } from '../../src/bolt11/index.ts';
import { dataDir, openDatabase, statement } from '../../src/db/index.ts';
import { sats, unixSeconds } from '../../src/lib/units.ts';
import { keepIssued, lapse } from '../../src/payments/invoices.ts';
import { wantInvoice } from '../../src/payments/want-invoice.ts';
import type { Daemon } from '../../test/builders/daemon.ts';
import type { FakeLnbits } from '../../test/fakes/lnbits/index.ts';

const DAY = 86_400;

/** Invoices of strangers that ended unpaid within the last day: in LNbits and, with the daemon stopped, in its books. */
export async function lapsedInvoices(daemon: Daemon, lnbits: FakeLnbits, count: number): Promise<void> {
  const issued: { bolt11: string; hash: string }[] = [];
  for (let n = 0; n < count; n++) {
    const answer = await fetch(`${lnbits.url}/api/v1/payments`, {
      method: 'POST',
      headers: { 'X-Api-Key': lnbits.wallet.inkey, 'content-type': 'application/json' },
      body: JSON.stringify({ out: false, amount: 10, unit: 'sat', memo: `lapsed ${n}`, expiry: 5 }),
    });
    const { bolt11 } = (await answer.json()) as { bolt11: string };
    const invoice = decodeInvoice(bolt11);
    if ('invalid' in invoice) throw new Error('the fake made an invoice that cannot be read');
    issued.push({ bolt11, hash: invoice.paymentHash });
  }
  const database = openDatabase(dataDir(daemon.dataDir).databaseFile);
  const now = Math.floor(Date.now() / 1000);
  database.write((tx) => {
    for (const [n, { bolt11, hash }] of issued.entries()) {
      const ended = unixSeconds(now - 60 - Math.floor((n / count) * DAY));
      const begun = unixSeconds(ended - 600);
      const wanted = {
        order: { kind: 'job', id: `J-LAPS${n}` },
        owner: randomBytes(32).toString('hex'),
        purpose: 'eval',
        amountSats: sats(10),
        description: 'Timmy look',
        expirySeconds: 600,
        mayFail: true,
        replyTo: null,
        opens: true,
      };
      const id = wantInvoice(tx, wanted, begun);
      keepIssued(tx, id, { bolt11, paymentHash: hash, expiresAt: ended }, begun);
      lapse(tx, id, ended);
    }
    // Their orders are not there to be told, and the wallet has made them already.
    statement(tx, `DELETE FROM tasks WHERE kind IN ('order.event', 'invoice.create')`).run();
  });
  database.close();
}
