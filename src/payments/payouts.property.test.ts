import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settled } from '../../test/builders/fresh-database.ts';
import { openTill } from '../../test/builders/till.ts';
import { verifyBooks } from '../ledger/index.ts';
import { OutsideError } from '../lib/errors.ts';
import { findInvoice, verifyPayments } from './index.ts';
const unavailable = (): OutsideError => new OutsideError('unavailable', 'wallet.down');
const unknown = (): OutsideError => new OutsideError('unknown', 'wallet.timed_out');

describe('whatever the wallet answers, and whenever', () => {
  const methods = fc.constantFrom(
    'createInvoice',
    'lookupInvoice',
    'probeNode',
    'pay',
    'lookupPayment',
    'probeFailure',
  );
  const trouble = fc.array(fc.tuple(methods, fc.constantFrom('unavailable', 'unknown', 'lost')), { maxLength: 25 });
  const moves = fc.array(fc.constantFrom('route', 'settle', 'fail', 'receive', 'prove', 'time'), { maxLength: 12 });

  it('no sat is lost or paid twice, and all ends well when the trouble ends', async () => {
    await fc.assert(
      fc.asyncProperty(trouble, moves, async (troubles, things) => {
        const till = openTill();
        const { database, clock, wallet, wait, check, want, hashOf, payOut, stateOf, indebt } = till;
        indebt();
        for (const [method, how] of troubles) {
          const thrown = how === 'unavailable' ? unavailable() : unknown();
          // `lost`: it was done, and the answer never came.
          const lost = (): never => {
            throw thrown;
          };
          wallet.next(method, how === 'lost' ? lost : thrown);
        }
        const invoice = want({ mayFail: false });
        wallet.route = 'holds';
        const hash = payOut();
        const attempt = (work: () => void): void => {
          try {
            work();
          } catch {
            // There was nothing to do it to.
          }
        };
        for (const thing of things) {
          if (thing === 'route') wallet.route = wallet.route === 'holds' ? 'settles' : 'holds';
          if (thing === 'settle') attempt(() => wallet.end(hash, 'settled'));
          if (thing === 'fail') attempt(() => wallet.end(hash, 'failed'));
          if (thing === 'receive') attempt(() => wallet.receive(hashOf(invoice), 10_000n));
          if (thing === 'prove') wallet.proof = wallet.proof === 'dead' ? 'unproven' : 'dead';
          clock.advance(thing === 'time' ? 150_000 : 3000);
          await wait(1);
          const { length } = [...verifyBooks(database.read), ...verifyPayments(database.read)];
          expect(length).toBe(0);
        }
        wallet.route = 'settles';
        wallet.proof = 'dead';
        for (let minute = 0; minute < 60; minute++) {
          clock.advance(60_000);
          await settled();
          attempt(() => wallet.receive(hashOf(invoice), 10_000n));
          if (stateOf(hash) === 'sent') attempt(() => wallet.end(hash, 'settled'));
        }
        expect(['paid', 'dead']).toContain(stateOf(hash));
        expect(findInvoice(database.read, invoice)?.state).toBe('paid');
        check();
        await till.close();
      }),
      { numRuns: 40 },
    );
  });
});
