import { product, type Product } from '../../engine/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { hasPaidBefore } from '../../payments/index.ts';
import { tariffFrom } from '../../pricing/index.ts';
import type { Shop, Ware } from '../_shared/shop.ts';
import { demoActivities } from './activities.ts';
import { demoCommands } from './commands.ts';
import { demoFace } from './face.ts';
import { demoPurse, remainingThisHour, type DemoLimits } from './limits.ts';
import { decide, isAtWork } from './machine.ts';
import type { Demo, DemoCommand, DemoFacts, DemoNotice } from './states.ts';
import { demosAtWork, insertDemo, loadDemo, removeDemo, saveDemo } from './store.ts';
import { demoResult, demoStatusLine, demoWords } from './text.ts';

/** A short answer for nothing, so that a stranger can try it: no invoice, no receipt, no place in the books. */
export const demo: Ware = {
  faces: [demoFace],
  open: (shop) => {
    const limits: DemoLimits = {
      settings: shop.settings,
      purse: demoPurse(shop.settings),
      tariffNow: () => tariffFrom(shop.settings, shop.prices.now(shop.database.read)),
      closedBecause: shop.closedBecause,
      hasPaid: hasPaidBefore,
      isPaidWorkFull: shop.isPaidWorkFull,
    };
    const demos = demoProduct(shop, limits);
    return { products: [demos], commands: (engine) => demoCommands({ ...shop, limits }, engine, demos) };
  },
};

function demoProduct(shop: Shop, limits: DemoLimits): Product {
  const { texts, clock, settings, database, models } = shop;
  const now = (): UnixSeconds => clock.now();
  return product<Demo, DemoCommand, DemoNotice, DemoFacts>({
    face: demoFace,
    rpcName: 'demo',
    load: loadDemo,
    insert: insertDemo,
    save: saveDemo,
    remove: removeDemo,
    decide,
    facts: () => ({ now: now() }),
    activities: demoActivities({
      database,
      texts,
      settings,
      models: models.within(limits.purse),
      rules: { clock, retrySeconds: settings.MODEL_RETRY_SECONDS },
      tariffNow: limits.tariffNow,
    }),
    atWork: demosAtWork,
    words: (tx, demo, notice) => demoWords(texts, tx, demo, notice, remainingThisHour(limits, tx, demo.owner, now())),
    rpc: (_reader, { id, seq, state }) => ({ id, seq, state }),
    answer: (reader, demo) =>
      isAtWork(demo) ? 'later' : demoResult(texts, reader, demo, remainingThisHour(limits, reader, demo.owner, now())),
    wantsUpdate: () => false,
    receipt: () => null,
    isPaid: () => false,
    statusLine: (_reader, demo) => demoStatusLine(demo),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: 'demo', state, createdAt, updatedAt }),
  });
}
