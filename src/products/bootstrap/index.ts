import { notification } from '../../messaging/dialects/jsonrpc/index.ts';
import { product, type Product } from '../../engine/index.ts';
import type { Shop, Ware } from '../_shared/shop.ts';
import { nodeCommands } from './commands.ts';
import { secondsOfHours } from './config.ts';
import { nodeFace } from './face.ts';
import { nodeFacts } from './facts.ts';
import { lastTerm } from './lease/term.ts';
import { decide } from './machine.ts';
import { REPORT_EVERY_SECONDS } from './node-methods.ts';
import { LOOK_KEY, lookTask, type OfferOptions } from './offers.ts';
import { nodeReceipt } from './receipt.ts';
import { rpcNode } from './rpc.ts';
import { sagaActivities } from './saga/activities.ts';
import { createJournal, type Journal } from './saga/journal.ts';
import type { NodeCommand, NodeFacts, NodeNotice, NodeOrder } from './states.ts';
import { insertNode, loadNode, newestNodeOf, nodesAtWork, removeNode, saveNode } from './store.ts';
import { SWEEP_KEY, sweepTask } from './sweep.ts';
import { keyWords, nodeStatusLine, nodeWords } from './text.ts';

/** A Bitcoin and Lightning node of the customer's own, on a rented server, with a key and a voice of its own. */
export const bootstrap: Ware = {
  faces: [nodeFace],
  open: (shop) => {
    const { settings, clouds, prices, clock, database, alert } = shop;
    const offering: OfferOptions = { settings, clouds, prices, clock };
    const journal = createJournal(database, clock);
    const nodes = nodeProduct(shop, offering, journal);
    return {
      products: [nodes],
      commands: (engine) => nodeCommands(shop, offering, engine, nodes),
      tasks: () => [
        lookTask({ settings, clouds, clock, alert }),
        sweepTask({ database, clock, clouds, journal, alert }),
      ],
      recurring: [
        { kind: 'bootstrap.look', key: LOOK_KEY },
        { kind: 'bootstrap.sweep', key: SWEEP_KEY },
      ],
    };
  },
};

function nodeProduct(shop: Shop, offering: OfferOptions, journal: Journal): Product {
  const { database, clock, rng, settings, clouds, sealSecret, startedAt } = shop;
  const saying = {
    askMinSats: settings.REFUND_ASK_MIN_SATS,
    graceSeconds: secondsOfHours(settings.BOOTSTRAP_GRACE_HOURS),
    now: () => clock.now(),
  };
  return product<NodeOrder, NodeCommand, NodeNotice, NodeFacts>({
    face: nodeFace,
    rpcName: 'bootstrap',
    load: loadNode,
    insert: insertNode,
    save: saveNode,
    remove: removeNode,
    decide,
    facts: (reader, node, event) => nodeFacts({ ...offering, startedAt }, reader, node, event),
    activities: sagaActivities({
      database,
      clock,
      rng,
      settings,
      clouds,
      journal,
      sealSecret,
      keyTexts: (node, privateKey) =>
        node.dialect === 'rpc'
          ? [
              notification('bootstrap.updated', {
                bootstrap: rpcNode(database.read, { ...node, seq: node.seq + 1 }, privateKey),
              }),
            ]
          : keyWords(node, privateKey),
    }),
    atWork: nodesAtWork,
    words: (tx, node, notice) => nodeWords(saying, tx, node, notice),
    rpc: (reader, node) => rpcNode(reader, node),
    answer: (_reader, node, _event, asked) =>
      asked.rpcMethod === 'node.announce'
        ? { accepted: true, report_every_s: REPORT_EVERY_SECONDS, term_ends_at: lastTerm(node.terms)?.until ?? null }
        : undefined,
    // The sealed message with the key says this change itself.
    wantsUpdate: (_node, event) => !(event.type === 'activity_done' && event.activity === 'make_key'),
    receipt: nodeReceipt,
    isPaid: ({ state }) => state !== 'awaiting_payment' && state !== 'expired',
    meantForRefund: (reader, owner) => newestNodeOf(reader, owner)?.id,
    statusLine: (reader, node) => nodeStatusLine(saying, reader, node),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: nodeFace.kind, state, createdAt, updatedAt }),
  });
}
