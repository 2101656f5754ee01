import { withoutClientLine } from '../text/tidy.ts';
import { REFUSAL_ERROR, RPC_ERROR } from './errors.ts';
import type { RpcId } from './render.ts';

/** No JSON-RPC: words, for the text dialect. */
export interface NotRpc {
  readonly type: 'notRpc';
}

/** JSON-RPC that nobody waits for an answer to: a response, an error, a notification. Answering it would start a loop. */
export interface RpcIgnored {
  readonly type: 'ignored';
}

export interface RpcRequest {
  readonly type: 'request';
  readonly id: RpcId;
  readonly method: string;
  /** By name; `{}` where the request has none. At most 16 deep, without `__proto__` keys. Not yet checked otherwise. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** A request that cannot be read; `failure` renders it. */
export interface RpcFailure {
  readonly type: 'failure';
  readonly id: RpcId;
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export type Envelope = NotRpc | RpcIgnored | RpcRequest | RpcFailure;

const NOT_RPC: NotRpc = { type: 'notRpc' };
const IGNORED: RpcIgnored = { type: 'ignored' };
const MAX_DEPTH = 16;
const MAX_ID_CHARS = 256;
const MAX_METHOD_CHARS = 64;

/**
 * Reads a DM as JSON-RPC 2.0 (docs/rpc.md). JSON without a `jsonrpc` member, and text that only looks like JSON, is
 * words. What has no id is never answered, whatever else is wrong with it. Where a key stands twice, the last one counts.
 * The caller bounds `text` (65,535 bytes of plaintext); above `maxBytes` a request gets -32004 with its own id.
 */
export function parseEnvelope(text: string, maxBytes: number): Envelope {
  const json = withoutClientLine(text.replace(/^\ufeff/, '')).trim();
  if (!/^[{[]/.test(json) || !json.includes('"jsonrpc"')) return NOT_RPC;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    if (isLarge(json, maxBytes)) return tooLarge(null, maxBytes);
    return fail(null, RPC_ERROR.parse, 'Parse error: this is not valid JSON.');
  }
  if (Array.isArray(value)) return parseBatch(value);
  if (!isObject(value) || !Object.hasOwn(value, 'jsonrpc')) return NOT_RPC;
  if (expectsNoAnswer(value)) return IGNORED;
  const id = readId(value['id']);
  if (id === undefined) {
    return invalid(null, `id must be a string of at most ${MAX_ID_CHARS} characters, a safe number, or null.`);
  }
  return isLarge(json, maxBytes) ? tooLarge(id, maxBytes) : parseRequest(id, value);
}

function parseRequest(id: RpcId, value: Readonly<Record<string, unknown>>): RpcRequest | RpcFailure {
  const { jsonrpc, method, params } = value;
  if (jsonrpc !== '2.0') return invalid(id, 'jsonrpc must be "2.0".');
  if (typeof method !== 'string' || method === '' || method.length > MAX_METHOD_CHARS) {
    return invalid(id, `method must be a string of 1 to ${MAX_METHOD_CHARS} characters.`);
  }
  const fault = faultWithin(value, 1);
  if (fault !== null) return invalid(id, fault);
  if (params === undefined || params === null) return { type: 'request', id, method, params: {} };
  if (isObject(params)) return { type: 'request', id, method, params };
  if (!Array.isArray(params)) return invalid(id, 'params must be an object.');
  if (params.length === 0) return { type: 'request', id, method, params: {} };
  return fail(id, RPC_ERROR.invalidParams, 'Invalid params: send them by name, as an object.', {
    issues: [{ path: [], code: 'invalid_type', message: 'expected an object' }],
  });
}

/** One object for each DM: a batch is refused as a whole, unless nothing in it wants an answer. */
function parseBatch(items: readonly unknown[]): Envelope {
  const calls = items.filter((item) => isObject(item) && Object.hasOwn(item, 'jsonrpc'));
  if (calls.length === 0) return NOT_RPC;
  if (calls.every((item) => isObject(item) && expectsNoAnswer(item))) return IGNORED;
  return invalid(null, 'No batches: send one object in each message.');
}

function expectsNoAnswer(value: Readonly<Record<string, unknown>>): boolean {
  return Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error') || !Object.hasOwn(value, 'id');
}

/** Undefined for what cannot be echoed exactly: other types, and numbers that a double does not hold. */
function readId(id: unknown): RpcId | undefined {
  if (id === null) return null;
  if (typeof id === 'string') return id.length <= MAX_ID_CHARS ? id : undefined;
  if (typeof id !== 'number' || !Number.isFinite(id)) return undefined;
  return Number.isInteger(id) && !Number.isSafeInteger(id) ? undefined : id;
}

/** What makes `value` unfit to be handled (depth, a key that would touch a prototype), or null. Recurses 17 deep at most. */
function faultWithin(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > MAX_DEPTH) return `The request is nested more than ${MAX_DEPTH} deep.`;
  if (Object.hasOwn(value, '__proto__')) return 'The key __proto__ is not allowed.';
  for (const member of Object.values(value)) {
    const fault = faultWithin(member, depth + 1);
    if (fault !== null) return fault;
  }
  return null;
}

function isLarge(json: string, maxBytes: number): boolean {
  return Buffer.byteLength(json) > maxBytes;
}

function tooLarge(id: RpcId, maxBytes: number): RpcFailure {
  const message = `Too large: at most ${maxBytes} bytes. Nothing was charged.`;
  return fail(id, REFUSAL_ERROR.too_large, message, { max_bytes: maxBytes });
}

function invalid(id: RpcId, detail: string): RpcFailure {
  return fail(id, RPC_ERROR.invalidRequest, `Invalid request: ${detail}`);
}

function fail(id: RpcId, code: number, message: string, data?: Readonly<Record<string, unknown>>): RpcFailure {
  return data === undefined ? { type: 'failure', id, code, message } : { type: 'failure', id, code, message, data };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
