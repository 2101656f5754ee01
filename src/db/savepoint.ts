import { isRefusal, type Refusal } from '../lib/errors.ts';
import { statement, type Tx } from './database.ts';
import { countNews, forgetNews } from './news.ts';

/**
 * Does `work` and, where it comes to a refusal, undoes all that it wrote: a refusal changes nothing, however late in
 * the work it is found. What it throws ends the whole transaction, as ever.
 */
export function unlessRefused<T>(tx: Tx, work: () => T | Refusal): T | Refusal {
  statement(tx, 'SAVEPOINT unless_refused').run();
  const told = countNews(tx);
  const result = work();
  if (isRefusal(result)) {
    statement(tx, 'ROLLBACK TO unless_refused').run();
    forgetNews(tx, told);
  }
  statement(tx, 'RELEASE unless_refused').run();
  return result;
}
