import type { z } from 'zod';

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What no honest client may do, noted when it is done. */
export type Note = (violation: string) => void;

export const problem = (status: number, id: string, message: string): Answer => ({ status, body: { id, message } });
export const notFound = problem(404, 'not_found', 'The resource you were accessing could not be found.');
export const refused = (message: string): Answer => problem(422, 'unprocessable_entity', message);
export const done: Answer = { status: 204, body: '' };

export function page(request: Request, name: string, rows: readonly unknown[]): Answer {
  const perPage = Math.min(200, Math.max(1, Number(request.query.get('per_page') ?? 20)));
  const number = Math.max(1, Number(request.query.get('page') ?? 1));
  const hasNext = number * perPage < rows.length;
  const next = `https://api.digitalocean.com${request.path}?page=${number + 1}&per_page=${perPage}`;
  return {
    status: 200,
    body: {
      [name]: rows.slice((number - 1) * perPage, number * perPage),
      links: hasNext ? { pages: { next } } : {},
      meta: { total: rows.length },
    },
  };
}

export function parse<T>(text: string, shape: z.ZodType<T>): T | null {
  try {
    return shape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

export const iso = (seconds: number): string =>
  new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');
