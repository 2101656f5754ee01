import type { ProductFace } from '../../engine/index.ts';
import { lastTerm } from './lease/term.ts';
import { rentalCost, rentalsOf, showMicros } from './rentals.ts';
import { reportOf } from './reports.ts';
import type { NodeState } from './states.ts';
import { loadNode } from './store.ts';
import { checkNodes } from './verify.ts';
import { encodeNpub } from '../../nostr/keys.ts';

/** A node as its rows show it. */
export const nodeFace: ProductFace = {
  kind: 'bootstrap',
  prefix: 'B',
  plural: 'nodes',
  table: 'bootstraps',
  listed: true,
  cancelNamed: true,
  states: {
    open: ['awaiting_payment', 'provisioning', 'ready', 'expiring'] satisfies NodeState[],
    // Rented is not worked on: it counts for no limit on work.
    atWork: [],
    unpaidEnds: ['expired'] satisfies NodeState[],
  },
  texts: [],
  invoiceWords: { bootstrap: 'node' },
  receipts: { later: null },
  keeps: {
    cloud_calls: 'what was asked of clouds for paid orders: the proof that nothing was made twice',
    cloud_rentals: 'the books of what clouds bill',
    node_reports: 'one row for each node',
    cloud_strays: 'what the cloud holds and we do not know: as many as there are',
  },
  checks: checkNodes,
  particulars: (reader, id, now) => {
    const node = loadNode(reader, id);
    if (node === undefined) return {};
    const rentals = rentalsOf(reader, id);
    const cost = rentals.reduce((sum, rental) => sum + rentalCost(rental, now), 0n);
    const report = node.node === null ? null : reportOf(reader, node.node.pubkey);
    return {
      doing: node.doing,
      region: node.region,
      size: node.offer.size,
      ip: node.handles.ipv4,
      droplet: node.handles.dropletId,
      volume: node.handles.volumeId,
      npub: node.node === null ? null : encodeNpub(node.node.pubkey),
      terms: node.terms.length,
      term_ends_at: lastTerm(node.terms)?.until ?? null,
      cloud_usd: showMicros(cost),
      synced: report?.synced ?? null,
      height: report?.height ?? null,
      trouble: report === null ? null : report.trouble.join(', '),
      reported_at: report?.at ?? null,
      failure: node.failure ?? node.firstFailure,
    };
  },
};
