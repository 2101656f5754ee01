import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { refuse, type RefusalCode } from '../../../lib/errors.ts';
import { parseEnvelope } from './envelope.ts';
import { isReplayable, REFUSAL_ERROR } from './errors.ts';
import { failure, failureOf, invalidParams, notification, success } from './render.ts';

describe('answers', () => {
  it('echo the id in its type', () => {
    expect(success(1, { a: 1 })).toBe('{"jsonrpc":"2.0","id":1,"result":{"a":1}}');
    expect(success('1', null)).toBe('{"jsonrpc":"2.0","id":"1","result":null}');
    expect(success(null, undefined)).toBe('{"jsonrpc":"2.0","id":null,"result":null}');
  });

  it('carry an error, with data only where there is some', () => {
    expect(failure(1, -32601, 'No such method.')).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"No such method."}}',
    );
    expect(JSON.parse(failureOf('a', refuse('rate_limited', 'Slow down.', { retry_after: 3 })))).toEqual({
      jsonrpc: '2.0',
      id: 'a',
      error: { code: -32003, message: 'Slow down.', data: { retry_after: 3 } },
    });
  });

  it('are never answered by another Timmy', () => {
    const texts = [success(1, {}), failure(null, -32700, 'x'), notification('job.updated', { job: {} })];
    for (const text of texts) expect(parseEnvelope(text, 1000)).toEqual({ type: 'ignored' });
  });
});

describe('numbers', () => {
  it('are those of docs/rpc.md', () => {
    expect(REFUSAL_ERROR).toEqual({
      invalid_params: -32602,
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
    });
  });

  it('name the three that are never replayed', () => {
    const codes = Object.keys(REFUSAL_ERROR) as RefusalCode[];
    expect(codes.filter((code) => !isReplayable(code))).toEqual(['rate_limited', 'unavailable', 'busy']);
  });
});

describe('invalidParams', () => {
  const schema = z.strictObject({ request: z.string().min(1), limits: z.array(z.int()).optional() });
  const explain = (params: unknown): { error: { code: number; message: string; data: { issues: unknown[] } } } => {
    const parsed = schema.safeParse(params);
    if (parsed.success) throw new Error('the params are valid');
    return JSON.parse(invalidParams(7, parsed.error)) as never;
  };

  it('says where and what', () => {
    const { error } = explain({ limits: [1, 'two'] });
    expect(error.code).toBe(-32602);
    expect(error.message).toMatch(/^Invalid params: request: /);
    expect(error.data.issues).toMatchObject([
      { path: ['request'], code: 'invalid_type' },
      { path: ['limits', 1], code: 'invalid_type' },
    ]);
  });

  it('repeats no value that was sent', () => {
    expect(JSON.stringify(explain({ request: 5, token: 'hush hush' }))).not.toContain('hush');
  });

  it('tells ten issues at most', () => {
    expect(explain({ request: 'x', limits: Array(50).fill('x') }).error.data.issues).toHaveLength(10);
  });
});
