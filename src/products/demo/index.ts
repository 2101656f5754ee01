import { product, type Product } from '../../engine/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { demoActivities, type DemoActivityOptions } from './activities.ts';
import { remainingThisHour, type DemoLimits } from './limits.ts';
import { decide, isAtWork } from './machine.ts';
import type { Demo, DemoCommand, DemoFacts, DemoNotice } from './states.ts';
import { demosAtWork, demosAtWorkOf, insertDemo, loadDemo, removeDemo, saveDemo } from './store.ts';
import { demoResult, demoStatusLine, demoWords } from './text.ts';

export { demoCommands } from './commands.ts';
export { demoPurse, type DemoLimits } from './limits.ts';
export { putBackDemos } from './store.ts';

export interface DemoOptions extends DemoActivityOptions {
  readonly limits: DemoLimits;
}

/** A short answer for nothing, so that a stranger can try it: no invoice, no receipt, no place in the books. */
export function demoProduct(options: DemoOptions): Product {
  const { texts, limits, rules, models } = options;
  const now = (): UnixSeconds => rules.clock.now();
  return product<Demo, DemoCommand, DemoNotice, DemoFacts>({
    kind: 'demo',
    prefix: 'D',
    plural: 'demos',
    rpcName: 'demo',
    load: loadDemo,
    insert: insertDemo,
    save: saveDemo,
    remove: removeDemo,
    decide,
    facts: () => ({ now: now() }),
    activities: demoActivities({ ...options, models: models.within(limits.purse) }),
    atWork: demosAtWork,
    words: (tx, demo, notice) => demoWords(texts, tx, demo, notice, remainingThisHour(limits, tx, demo.owner, now())),
    rpc: (_reader, { id, seq, state }) => ({ id, seq, state }),
    answer: (reader, demo) =>
      isAtWork(demo) ? 'later' : demoResult(texts, reader, demo, remainingThisHour(limits, reader, demo.owner, now())),
    wantsUpdate: () => false,
    receipt: () => null,
    // What is over is no purchase, and in no history.
    list: (reader, owner, limit, before) => (before === null ? demosAtWorkOf(reader, owner).slice(0, limit) : []),
    isOpen: isAtWork,
    isPaid: () => false,
    isFree: true,
    statusLine: (_reader, demo) => demoStatusLine(demo),
    summary: ({ id, state, createdAt, updatedAt }) => ({ id, kind: 'demo', state, createdAt, updatedAt }),
  });
}
