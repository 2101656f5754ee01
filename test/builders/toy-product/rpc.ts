import type { Texts } from '../../../src/customers/index.ts';
import type { Reader } from '../../../src/db/index.ts';
import { rpcMoney } from '../../../src/engine/rpc-shapes.ts';
import type { Echo } from './states.ts';

/** An echo in JSON-RPC. `brief`: as in notifications and lists. */
export function rpcEcho(reader: Reader, texts: Texts, echo: Echo, brief: boolean): Record<string, unknown> {
  const request = texts.read(reader, echo.requestId) ?? '';
  return {
    id: echo.id,
    seq: echo.seq,
    state: echo.state,
    request: brief ? [...request].slice(0, 200).join('') : request,
    result: texts.read(reader, echo.resultId),
    created_at: echo.createdAt,
    updated_at: echo.updatedAt,
    ...rpcMoney(reader, echo.id, brief ? 'open and paid' : 'all'),
  };
}
