import { isObject, parseObject, wholeOf } from '../reading.ts';
import { LOG_SOURCES, SERVICES, type LogSource, type ServiceName } from '../services/services.ts';

export type Command =
  | { readonly do: 'status' | 'peers' | 'rotate' | 'help' }
  | { readonly do: 'restart'; readonly service: ServiceName | null }
  | { readonly do: 'logs'; readonly source: LogSource; readonly lines: number };

/** How it was asked, which is how it is answered. */
export type Asked =
  | { readonly voice: 'words'; readonly command: Command | null }
  | { readonly voice: 'rpc'; readonly id: string | number; readonly command: Command | RpcProblem };

export interface RpcProblem {
  readonly code: -32600 | -32601 | -32602;
  readonly message: string;
}

const DEFAULT_LINES = 30;
const MAX_LINES = 200;

/** What the owner wants; null where there is nothing to answer: a notification, an answer, an empty message. */
export function readCommand(content: string): Asked | null {
  const text = content.trim();
  if (text === '') return null;
  if (!text.startsWith('{')) return { voice: 'words', command: text.length > 200 ? null : readWords(text) };
  const request = parseObject(text);
  if (request === null) return { voice: 'words', command: null };
  const { id, method, params } = request;
  if (typeof method !== 'string' || (typeof id !== 'string' && typeof id !== 'number')) return null;
  if (String(id).length > 128) return null;
  if (request['jsonrpc'] !== '2.0') return { voice: 'rpc', id, command: problem(-32600, 'jsonrpc must be "2.0"') };
  if (params !== undefined && !isObject(params))
    return { voice: 'rpc', id, command: problem(-32602, 'params must be an object') };
  return { voice: 'rpc', id, command: readMethod(method, params ?? {}) };
}

function readWords(text: string): Command | null {
  const [first = '', ...rest] = text.toLowerCase().replace(/^[/!]/, '').split(/\s+/);
  switch (first) {
    case 'status':
    case 'peers':
    case 'rotate':
    case 'help':
      return rest.length === 0 ? { do: first } : null;
    case 'restart': {
      const service = rest[0] === undefined ? null : serviceOf(rest[0]);
      return service === undefined || rest.length > 1 ? null : { do: 'restart', service };
    }
    case 'logs': {
      const counted = rest.length > 0 && /^\d{1,6}$/.test(rest.at(-1) ?? '');
      const [name, more] = counted ? rest.slice(0, -1) : rest;
      const source = name === undefined ? 'bitcoin' : sourceOf(name);
      const lines = counted ? Math.min(MAX_LINES, Math.max(1, Number(rest.at(-1)))) : DEFAULT_LINES;
      return source === undefined || more !== undefined ? null : { do: 'logs', source, lines };
    }
    default:
      return null;
  }
}

function readMethod(method: string, params: Readonly<Record<string, unknown>>): Command | RpcProblem {
  switch (method) {
    case 'node.status':
    case 'node.peers':
    case 'node.rotate':
    case 'node.help':
      return { do: method.slice(5) as 'status' | 'peers' | 'rotate' | 'help' };
    case 'node.restart': {
      const service = params['service'] === undefined ? null : serviceOf(params['service']);
      return service === undefined ? problem(-32602, `service: ${SERVICES.join(', ')}`) : { do: 'restart', service };
    }
    case 'node.logs': {
      const source = sourceOf(params['service'] ?? 'bitcoin');
      const lines = wholeOf(params['lines'] ?? DEFAULT_LINES, 1, MAX_LINES);
      if (source === undefined) return problem(-32602, `service: ${LOG_SOURCES.join(', ')}`);
      return lines === null ? problem(-32602, `lines: 1 to ${MAX_LINES}`) : { do: 'logs', source, lines };
    }
    default:
      return problem(-32601, 'no such method: ask node.help');
  }
}

const problem = (code: RpcProblem['code'], message: string): RpcProblem => ({ code, message });

const spelt = (name: unknown): unknown => (name === 'bitcoind' ? 'bitcoin' : name);

function serviceOf(name: unknown): ServiceName | undefined {
  return SERVICES.find((service) => service === spelt(name));
}

function sourceOf(name: unknown): LogSource | undefined {
  return LOG_SOURCES.find((source) => source === spelt(name));
}
