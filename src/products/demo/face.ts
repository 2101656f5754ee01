import { sqlList, type ProductFace } from '../../engine/index.ts';
import type { Demo } from './states.ts';
import { checkDemos } from './verify.ts';

const AT_WORK: readonly Demo['state'][] = ['looking', 'answering'];

/** The free question as its rows show it. */
export const demoFace: ProductFace = {
  kind: 'demo',
  prefix: 'D',
  plural: 'demos',
  table: 'demos',
  // Nothing was bought.
  listed: false,
  isFree: true,
  states: { open: AT_WORK, atWork: [], unpaidEnds: [] },
  texts: [{ column: 'request_id', needed: `o.state IN ${sqlList(AT_WORK)}` }],
  invoiceWords: {},
  receipts: null,
  prunes: [
    {
      table: 'demos',
      added: { at: 'created_at', term: 'talk' },
      goes: `r.created_at < @talk AND r.state NOT IN ${sqlList(AT_WORK)}`,
    },
  ],
  checks: checkDemos,
};
