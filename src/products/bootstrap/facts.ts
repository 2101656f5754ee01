import { statement, type Reader } from '../../db/index.ts';
import { awaySeconds, extendedDeadline } from '../../downtime/index.ts';
import type { OrderEvent } from '../../engine/index.ts';
import { plusSeconds, sats, type UnixSeconds } from '../../lib/units.ts';
import { findInvoice, invoicesOf, isInvoiceComing } from '../../payments/index.ts';
import { wasCut } from '../_shared/cut-invoice.ts';
import { secondsOfHours } from './config.ts';
import { lastTerm } from './lease/term.ts';
import { offerFor, termFor, whyNoRoom, type OfferOptions } from './offers.ts';
import type { NodeCommand, NodeFacts, NodeOrder, TermOffer } from './states.ts';

export interface FactsOptions extends OfferOptions {
  /** When this process began. */
  readonly startedAt: UnixSeconds;
}

/** What the world looks like when a node's order decides. */
export function nodeFacts(
  options: FactsOptions,
  reader: Reader,
  node: NodeOrder,
  event: OrderEvent<NodeCommand>,
): NodeFacts {
  const { clock, settings } = options;
  const now = clock.now();
  const shown = invoicesOf(reader, node.id).at(-1);
  const eventInvoice = 'invoiceId' in event ? findInvoice(reader, event.invoiceId) : undefined;
  return {
    now,
    startedAt: options.startedAt,
    invoiceExpirySeconds: settings.INVOICE_EXPIRY_SECONDS,
    invoice:
      shown === undefined
        ? null
        : { open: shown.state === 'open', expiresAt: shown.expiresAt ?? 0, amountSats: shown.amountSats },
    invoiceComing: isInvoiceComing(reader, node.id),
    eventInvoiceCut: wasCut(reader, eventInvoice),
    eventInvoiceEnd: eventInvoice?.expiresAt ?? null,
    noRoom: event.type === 'invoice_paid' ? whyNoRoom(options, reader, node.offer, node.id) : null,
    today: todayFor(options, reader, node),
    fallbackRegion: settings.DO_REGION_FALLBACK ?? null,
    announceSeconds: settings.BOOTSTRAP_ANNOUNCE_TIMEOUT_S,
    warnings: warningsOf(settings.BOOTSTRAP_WARN_HOURS),
    graceUntil: graceOf(options, reader, node, now),
    renewsFrom: renewsFrom(options, reader, node, now),
    warningsHeardAt: warningsHeardAt(reader, node),
    graceSeconds: secondsOfHours(settings.BOOTSTRAP_GRACE_HOURS),
  };
}

/** Seconds before the end, the longest first. */
export function warningsOf(hours: readonly string[]): number[] {
  return hours.map((one) => secondsOfHours(one)).sort((a, b) => b - a);
}

/** What another term costs today. Where it cannot be sold at today's prices, it is the one that was sold. */
function todayFor(options: OfferOptions, reader: Reader, node: NodeOrder): TermOffer {
  const { region, size } = node.offer;
  const offer = offerFor(options, reader, { region, size });
  const term = 'not' in offer ? null : termFor(options, reader, offer);
  return term ?? { feeSats: sats(node.wanted.feeSats), termSeconds: node.wanted.termSeconds };
}

/** It ends later by all that we were away in it: nobody could renew then. */
function graceOf({ settings }: OfferOptions, reader: Reader, node: NodeOrder, now: UnixSeconds): UnixSeconds | null {
  const term = lastTerm(node.terms);
  if (term === undefined) return null;
  const end = plusSeconds(term.until, secondsOfHours(settings.BOOTSTRAP_GRACE_HOURS));
  return extendedDeadline(reader, term.until, end, now);
}

/**
 * A term follows the last one. Nobody pays for time that is over and could not have been paid for: of the time since the
 * end no more than the grace counts, and none in which we were away.
 */
function renewsFrom({ settings }: OfferOptions, reader: Reader, node: NodeOrder, now: UnixSeconds): UnixSeconds {
  const until = lastTerm(node.terms)?.until ?? now;
  if (now <= until) return until;
  const served = now - until - awaySeconds(reader, until, now);
  return plusSeconds(now, -Math.min(served, secondsOfHours(settings.BOOTSTRAP_GRACE_HOURS)));
}

/** Each warning is filed with its time; it is heard when its rows say that a relay has taken it. */
function warningsHeardAt(reader: Reader, node: NodeOrder): UnixSeconds[] {
  const sql = `SELECT min(r.at) AS heard FROM outbox o JOIN outbox_relays r ON r.outbox_id = o.id AND r.state = 'accepted'
    WHERE o.order_id = ? AND o.recipient = ? AND o.state = 'delivered' AND o.created_at IN (SELECT value FROM json_each(?))
    GROUP BY o.created_at ORDER BY heard`;
  return statement(reader, sql).pluck().all(node.id, node.owner, JSON.stringify(node.warnedAt)) as UnixSeconds[];
}
