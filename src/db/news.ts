import type Sqlite from 'better-sqlite3';
import type { LogField } from '../lib/log.ts';

/** What happened, in our own words and with ids alone: never a text, a key or a hash. */
export type News = readonly [event: string, fields: Readonly<Record<string, LogField | undefined>>];

/** Whatever holds the connection: a reader or a transaction. */
interface Client {
  readonly $client: Sqlite.Database;
}

const untold = new WeakMap<Sqlite.Database, News[]>();

/** Tells what this transaction did, once it has: what was undone is not told. */
export function tellNews(tx: Client, ...news: News): void {
  const all = untold.get(tx.$client);
  if (all === undefined) untold.set(tx.$client, [news]);
  else all.push(news);
}

/** How much is to be told so far; what is told after that can be forgotten again. */
export function countNews(tx: Client): number {
  return untold.get(tx.$client)?.length ?? 0;
}

export function forgetNews(tx: Client, from: number): void {
  untold.get(tx.$client)?.splice(from);
}

/** Everything since the last time, for who tells it. */
export function takeNews(reader: Client): readonly News[] {
  const news = untold.get(reader.$client) ?? [];
  untold.delete(reader.$client);
  return news;
}
