import { sqlList, type ProductFace } from '../../../src/engine/index.ts';
import type { EchoState } from './states.ts';
import { checkEchoes } from './verify.ts';

const OPEN: readonly EchoState[] = ['awaiting_payment', 'reversing'];

/** The echo as its rows show it. */
export const echoFace: ProductFace = {
  kind: 'echo',
  prefix: 'E',
  plural: 'echoes',
  table: 'echoes',
  listed: true,
  states: { open: OPEN, atWork: ['reversing'], unpaidEnds: ['expired', 'cancelled'] },
  texts: [{ column: 'request_id', needed: `o.state IN ${sqlList(OPEN)}` }],
  invoiceWords: { echo: 'echo' },
  // Always still to come: a toy has no receipts. A real product says here when its last one is not made yet, or null.
  receipts: { later: '1' },
  checks: checkEchoes,
};
