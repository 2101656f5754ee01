import { product, type Product } from '../../../src/engine/index.ts';
import { isInvoiceComing, openInvoiceOf } from '../../../src/payments/index.ts';
import type { Shop, Ware } from '../../../src/products/_shared/shop.ts';
import { echoActivities } from './activities.ts';
import { echoCommands } from './commands.ts';
import { echoFace } from './face.ts';
import { decide } from './machine.ts';
import { rpcEcho } from './rpc.ts';
import type { Echo, EchoCommand, EchoFacts, EchoNotice } from './states.ts';
import { echoesAtWork, insertEcho, loadEcho, removeEcho, saveEcho } from './store.ts';
import { echoStatusLine, echoWords } from './text.ts';

export { echoFace } from './face.ts';
export { ECHO_TABLE } from './store.ts';

/** Words, back to front, for 5 sats: what stands in `src/products/catalogue.ts`. */
export const echo: Ware = {
  faces: [echoFace],
  open: (shop) => {
    const echoes = echoProduct(shop);
    return { products: [echoes], commands: (engine) => echoCommands(shop, engine, echoes) };
  },
};

function echoProduct(shop: Shop): Product {
  const { texts, settings, clock } = shop;
  return product<Echo, EchoCommand, EchoNotice, EchoFacts>({
    face: echoFace,
    rpcName: 'echo',
    load: loadEcho,
    insert: insertEcho,
    save: saveEcho,
    remove: removeEcho,
    decide,
    facts: (reader, { id }) => ({
      now: clock.now(),
      expirySeconds: settings.INVOICE_EXPIRY_SECONDS,
      invoice: openInvoiceOf(reader, id) !== undefined ? 'open' : isInvoiceComing(reader, id) ? 'coming' : 'none',
    }),
    activities: echoActivities(shop),
    atWork: echoesAtWork,
    words: (tx, order, notice) => echoWords({ texts, askMinSats: settings.REFUND_ASK_MIN_SATS }, tx, order, notice),
    rpc: (reader, order, brief) => rpcEcho(reader, texts, order, brief),
    wantsUpdate: (_order, event) => event.type !== 'timer',
    receipt: () => null,
    isPaid: ({ paidBy }) => paidBy !== null,
    statusLine: (_reader, order) => echoStatusLine(order),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: echoFace.kind, state, createdAt, updatedAt }),
  });
}
