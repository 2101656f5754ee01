import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBooks } from '../builders/daemon-books.ts';
import { openCustomer } from '../builders/daemon-customer.ts';
import { openOutside, type Outside } from '../builders/daemon-outside.ts';
import { buyUpToTheAnswer, buyWithAddress, openAddressedCustomer } from '../builders/daemon-purchase-auto.ts';
import { decodeInvoice } from '../../src/bolt11/index.ts';

let outside: Outside;
beforeEach(async () => {
  outside = await openOutside();
});
afterEach(() => outside.close());

describe('change that pays itself', () => {
  test('a customer with a lud16 in their profile: it arrives without a word from them', async () => {
    const { lnbits } = outside;
    const daemon = outside.daemon();
    await daemon.start();
    const customer = await openAddressedCustomer(outside.relays, daemon.publicKey, lnbits);

    const { evalSats, workSats, changeSats, receipts } = await buyWithAddress(customer, lnbits);
    expect(changeSats).toBeGreaterThan(0);
    expect(customer.lnurl.invoices.map(({ amountMsats }) => amountMsats)).toEqual([BigInt(changeSats) * 1000n]);
    const refund = JSON.parse(receipts.split('\n').at(-1) ?? '') as { content: string };
    expect(JSON.parse(refund.content)).toMatchObject({
      amount_sats: changeSats,
      payment_hash: hashOf(customer.lnurl.invoices[0]?.bolt11 ?? ''),
    });
    const totalMsats = 100_000_000 + (evalSats + workSats - changeSats) * 1000;
    expect(await readBooks(daemon, lnbits)).toMatchObject({
      verify: { exitCode: 0 },
      ledgerMsats: totalMsats,
      lnbitsMsats: totalMsats,
      paidOut: [changeSats * 1000],
      underWay: 0,
      violations: [],
    });
    await daemon.stop();
    // Where it went is theirs to know, not our log's.
    expect(JSON.stringify(daemon.log) + daemon.stderr).not.toContain(customer.lnurl.address);
    await customer.close();
  });

  test('a customer without one: asked once, paid to what they send, told the preimage when they ask again', async () => {
    const { lnbits } = outside;
    const daemon = outside.daemon();
    await daemon.start();
    const customer = await openCustomer(outside.relays, daemon.publicKey);
    const { ear, say } = customer;

    // A long answer is quoted and a short one comes: change worth asking for.
    const long = await buyUpToTheAnswer(customer, lnbits, 'long Why is the sky blue? Take your time.');
    expect(long.change).toMatch(
      new RegExp(`^${long.changeSats} sats are yours: send me an invoice for exactly ${long.changeSats} sats,`),
    );
    const short = await buyUpToTheAnswer(customer, lnbits, 'And why is grass green?');
    const owed = long.changeSats + short.changeSats;
    expect(short.change).toBe(`${short.changeSats} sats kept for you (${owed} in all): refund pays them out.`);

    const invoice = lnbits.receiveInvoice(owed * 1000);
    await say(invoice);
    await ear.takeText(new RegExp(`^Paying out ${owed} sats \\(all: ${long.id}, ${short.id}\\)`));
    const [, preimage = ''] = await ear.takeText(new RegExp(`^Paid out: ${owed} sats\\. Preimage: (\\w{64})\\.`));
    expect(createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex')).toBe(hashOf(invoice));

    const proof = `That was paid: ${owed} sats. Payment hash: ${hashOf(invoice)}. Preimage: ${preimage}.`;
    for (const ask of ['refund', invoice, `refund ${short.id}`, lnbits.receiveInvoice(owed * 1000)]) {
      await say(ask);
      await ear.take(`the proof for: ${ask.slice(0, 20)}`, (text) => text === proof || undefined);
    }
    expect(lnbits.books().outgoing.map(({ amountMsats }) => amountMsats)).toEqual([owed * 1000]);
    expect(await readBooks(daemon, lnbits)).toMatchObject({ verify: { exitCode: 0 }, underWay: 0, violations: [] });
    await daemon.stop();
    await customer.close();
  });
});

function hashOf(bolt11: string): string {
  const invoice = decodeInvoice(bolt11);
  if ('invalid' in invoice) throw new Error('no invoice');
  return invoice.paymentHash;
}
