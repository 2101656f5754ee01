import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Tx } from '../../db/index.ts';
import { rpcMethod, type Engine, type Product, type RpcMethod } from '../../engine/index.ts';
import { refuse, type Refusal } from '../../lib/errors.ts';
import { hasPaidBefore } from '../../payments/index.ts';
import type { CloudShop } from '../_shared/cloud-shop.ts';
import { lastTerm } from './lease/term.ts';
import { keepReport, reportParams } from './reports.ts';
import { loadNode, nodeOfPubkey } from './store.ts';

export interface NodeMethodOptions {
  readonly engine: Engine;
  readonly product: Product;
  readonly clouds: CloudShop;
  readonly alert: (tx: Tx, what: string) => void;
}

/** A node's reports come so often, and at once when something changes. Seconds. */
export const REPORT_EVERY_SECONDS = 3600;

const fingerprint = z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/);

/** How a node speaks to us (docs/node.md): its first word, with the claim that was born with it, and its reports. */
export function nodeMethods({ engine, product, clouds, alert }: NodeMethodOptions): RpcMethod[] {
  const notOurs = (): Refusal => refuse('not_found', 'There is no such claim, or it was used.');

  const announce = rpcMethod({
    method: 'node.announce',
    nip17Only: 'A claim is a secret.',
    params: z.strictObject({
      order: z.string().max(16),
      attempt: z.int().min(1).max(9),
      claim: z.string().max(100),
      host_keys: z.array(fingerprint).max(8),
      version: z.string().max(60),
      impl: z.string().max(60),
      ip: z.string().max(60).optional(),
    }),
    changes: true,
    run: (tx, params, { message }) => {
      const { sender: pubkey } = message;
      const node = loadNode(tx, params.order);
      const isTrue = isSame(params.claim, clouds.claimOf(params.order, params.attempt));
      if (node === undefined || !isTrue || params.attempt !== node.attempt) {
        // Who guesses claims is told nothing; the operator is, once for all of them.
        if (!isTrue)
          alert(
            tx,
            'Somebody claims to be a node of ours and cannot prove it. Nothing was believed; nothing for you to do unless you expect a node.',
          );
        return notOurs();
      }
      if (nodeOfPubkey(tx, pubkey) !== undefined && node.node?.pubkey !== pubkey) return notOurs();
      // What a node writes is bought by nobody and answered in its own words: a customer's key would be shut out of its money.
      if (pubkey === node.owner || hasPaidBefore(tx, pubkey)) return notOurs();
      const hostKeys = params.host_keys;
      const command = { type: 'announce' as const, pubkey, hostKeys };
      const refused = engine.deliver(
        tx,
        { kind: product.kind, id: node.id },
        { type: 'command', command, replyTo: message.id },
      );
      if (refused === undefined) return 'later';
      alert(tx, `The claim of ${node.id} was used twice, or too late. See: timmy nodes show ${node.id}`);
      return refused;
    },
  });

  const report = rpcMethod({
    method: 'node.report',
    only: ['node'],
    params: reportParams,
    changes: false,
    run: (tx, params, { message, now }) => {
      const node = nodeOfPubkey(tx, message.sender);
      if (node?.id !== params.order) return notOurs();
      const fresh = keepReport(tx, message.sender, params, now);
      if (fresh.includes('wrong_chain'))
        alert(tx, `The node of ${node.id} follows another chain than Bitcoin's. See: timmy nodes show ${node.id}`);
      return {
        result: { ok: true, report_every_s: REPORT_EVERY_SECONDS, term_ends_at: lastTerm(node.terms)?.until ?? null },
      };
    },
  });
  return [announce, report];
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
