import type { Refusal } from '../../../lib/errors.ts';
import { REFUSAL_ERROR, RPC_ERROR } from './errors.ts';

/** The id of a request, echoed exactly: `1` and `"1"` differ. */
export type RpcId = string | number | null;

/** The text of a successful answer. `result` must be JSON; undefined becomes null, for an answer must have one. */
export function success(id: RpcId, result: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result: result ?? null });
}

/** The text of an error answer. `message` is one short sentence; `data`, where given, is JSON without secrets. */
export function failure(id: RpcId, code: number, message: string, data?: Readonly<Record<string, unknown>>): string {
  const error = data === undefined ? { code, message } : { code, message, data };
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}

/** The text of a refusal: its number, its words, its data. */
export function failureOf(id: RpcId, refusal: Refusal): string {
  return failure(id, REFUSAL_ERROR[refusal.refusal], refusal.text, refusal.data);
}

/** The text of a notification: what happened to an order, unasked. */
export function notification(method: string, params: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ jsonrpc: '2.0', method, params });
}

/** What a failed zod parse tells: `ZodError` fits. */
export interface ParamsProblem {
  readonly issues: readonly {
    readonly path: readonly PropertyKey[];
    readonly code?: string | undefined;
    readonly message: string;
  }[];
}

const MAX_ISSUES = 10;

/** `data.issues` of -32602: at most ten, each with where (`path`) and what is wrong, never with the value sent. */
export function issuesOf(problem: ParamsProblem): { path: (string | number)[]; code: string; message: string }[] {
  return problem.issues.slice(0, MAX_ISSUES).map(({ path, code, message }) => ({
    path: path.map((key) => (typeof key === 'number' ? key : String(key).slice(0, 64))),
    code: code ?? 'custom',
    message: message.slice(0, 200),
  }));
}

/** The text of -32602 for params that do not fit their schema. */
export function invalidParams(id: RpcId, problem: ParamsProblem): string {
  const issues = issuesOf(problem);
  const [first] = issues;
  const where = first && first.path.length > 0 ? `${first.path.join('.')}: ` : '';
  const message = first ? `Invalid params: ${where}${first.message}` : 'Invalid params';
  return failure(id, RPC_ERROR.invalidParams, message, { issues });
}
