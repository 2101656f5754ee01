import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { decodeInvoice } from '../../src/bolt11/index.ts';
import { AgentError, type Agent } from '../../src/ports/agent.ts';
import { receiptChain } from '../../src/payments/index.ts';
import { verifyChain } from '../../src/receipts/index.ts';
import type { Guest } from '../builders/guest.ts';
import { visit, type Visit } from './visit.ts';

/**
 * Everything that can happen to a session, in any order, and Timmy stopped and started again in the middle of some of it:
 * whatever comes, what was paid is spent, owed back, paid back or still held, nothing is below zero, and the books and
 * receipts say so after every step.
 */
type Step =
  | { readonly do: 'session' | 'topup'; readonly sats: number }
  | { readonly do: 'ask' | 'ask by program' | 'ask by token'; readonly how: 'well' | 'reject' | 'fail' | 'absurd' }
  | { readonly do: 'pay'; readonly which: number }
  | {
      readonly do:
        'close' | 'new' | 'token' | 'cancel' | 'keep on' | 'keep off' | 'refund' | 'look on' | 'an hour' | 'a day';
    };

const sats = fc.integer({ min: 100, max: 700 });
const how = fc.constantFrom('well' as const, 'well' as const, 'reject' as const, 'fail' as const, 'absurd' as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('session' as const), sats }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('topup' as const), sats }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('ask' as const, 'ask by program' as const, 'ask by token' as const),
      how,
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pay' as const), which: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          'close',
          'new',
          'token',
          'cancel',
          'keep on',
          'keep off',
          'refund',
          'look on',
          'an hour',
          'a day',
        ] as const),
      ),
    }),
  },
);

/** `restarts`: at once, with all that the step has set going. */
const script = fc.array(
  fc.record({ step, restarts: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)) }),
  { minLength: 8, maxLength: 24 },
);

/** Fails, or reports what cannot be, as the request says. */
function moodyAgent(): Agent {
  const stub = createStubAgent();
  return {
    ...stub,
    work: async (request, signal) => {
      if (request.request.includes('fail')) throw new AgentError('rejected', 'model.refused', { usage: null });
      const work = await stub.work(request, signal);
      if (!request.request.includes('absurd')) return work;
      return { ...work, usage: { ...work.usage, inputTokens: 4000, outputTokens: request.maxTokens } };
    },
  };
}

it('what was paid is spent, owed back, paid back or held, whatever happens in whatever order', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'timmy-property-'));
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(script, async (happens) => {
      const v = await visit({
        path: join(dir, `${runs++}.db`),
        agent: moodyAgent(),
        env: { LIMIT_UNPAID_ANSWERS_PER_MINUTE: '6000', LIMIT_NEW_PER_HOUR: '1000', LIMIT_COMMANDS_PER_SECOND: '1000' },
      });
      try {
        const friend = await v.house.guest();
        let n = 0;
        for (const { step, restarts } of happens) {
          await take(v, friend, step, ++n);
          if (restarts) await v.restart();
          await v.pass(1);
          expect(v.broken()).toEqual([]);
          expect(outOfBalance(v)).toBe(0);
        }
        // Nobody waits for ever: what runs has ended, and nothing was set aside in vain.
        await v.pass(3);
        expect(v.count(`SELECT count(*) FROM requests WHERE state IN ('evaluating', 'executing')`)).toBe(0);
        expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
        for (const { pubkey } of [v.guest, friend]) {
          const events = receiptChain(v.house.database.read, pubkey).map(({ event, sig }) => ({ ...event, sig }));
          expect(verifyChain(events, { signer: v.house.pubkey })).toEqual([]);
        }
      } finally {
        await v.close();
      }
    }),
    { numRuns: 10 },
  );
  rmSync(dir, { recursive: true });
}, 300_000);

async function take(v: Visit, friend: Guest, step: Step, n: number): Promise<void> {
  const program = (method: string, params: object): string => JSON.stringify({ jsonrpc: '2.0', id: n, method, params });
  switch (step.do) {
    case 'session':
    case 'topup':
      return v.guest.say(`${step.do} ${step.sats}`);
    case 'ask':
      return v.guest.say(request(step.how, n));
    case 'ask by program':
      return v.guest.say(program('session.request', { request: request(step.how, n) }));
    case 'ask by token': {
      const token = v.guest.heard.filter((text) => /^[0-9a-f]{64}$/.test(text)).at(-1);
      return token === undefined
        ? undefined
        : friend.say(program('session.request', { request: request(step.how, n), token }));
    }
    case 'pay': {
      const invoices = v.guest.heard.flatMap((text) => /lnbcrt\w+/.exec(text) ?? []);
      const bolt11 = invoices.at(-1 - step.which);
      if (
        bolt11 === undefined ||
        v.count(`SELECT count(*) FROM stub_invoices WHERE bolt11 = '${bolt11}' AND paid_at IS NULL`) === 0
      )
        return;
      const invoice = decodeInvoice(bolt11);
      if (!('invalid' in invoice) && invoice.expiresAt > v.clock.now()) await v.pay(bolt11);
      return;
    }
    case 'refund': {
      const owed = v.count(`SELECT coalesce(sum(amount_msats), 0) / 1000 FROM debts WHERE state = 'owed'`);
      return owed === 0 ? undefined : v.guest.say(v.invoice(owed));
    }
    case 'look on':
      return;
    case 'an hour':
      v.clock.advance(3_600_000);
      return;
    case 'a day':
      v.clock.advance(86_400_000);
      return;
    default:
      return v.guest.say(step.do);
  }
}

function request(mood: string, n: number): string {
  return `Question ${n}: why is the sky blue? ${mood === 'reject' ? 'Please reject' : mood}`;
}

/** Paid in, less what was earned, is owed, under way, paid back and held. Msats. */
function outOfBalance(v: Visit): number {
  return v.count(
    `SELECT (SELECT coalesce(sum(paid_msats), 0) FROM invoices WHERE state = 'paid')
       - (SELECT coalesce(sum(amount_msats), 0) FROM transfers WHERE kind GLOB 'earned:*')
       - (SELECT coalesce(sum(credits - debits), 0) FROM accounts WHERE id GLOB 'session:*' OR id GLOB 'request:*' OR id GLOB 'job:*' OR id GLOB 'owed:*' OR id GLOB 'paying:*')
       - (SELECT coalesce(sum(amount_msats), 0) FROM transfers WHERE kind = 'refund_paid')`,
  );
}
