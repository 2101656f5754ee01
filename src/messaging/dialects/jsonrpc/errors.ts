import type { RefusalCode } from '../../../lib/errors.ts';

/** The numbers of JSON-RPC 2.0 itself. */
export const RPC_ERROR = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
} as const;

/** The number of each refusal, which programs rely on (docs/rpc.md). A code without a number does not compile. */
export const REFUSAL_ERROR: Readonly<Record<RefusalCode, number>> = {
  invalid_params: RPC_ERROR.invalidParams,
  not_found: -32001,
  bad_state: -32002,
  rate_limited: -32003,
  too_large: -32004,
  out_of_bounds: -32005,
  balance_too_low: -32006,
  unavailable: -32007,
  bad_destination: -32008,
  busy: -32009,
  already_paid: -32010,
};

/** The answers that are never replayed: the same request may be made again and may go better. */
export function isReplayable(refusal: RefusalCode): boolean {
  return refusal !== 'rate_limited' && refusal !== 'unavailable' && refusal !== 'busy';
}
