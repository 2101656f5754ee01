import { wordCommand, type WordCommand } from '../engine/index.ts';
import { anyOf, hex32, nothing, one, optional, wholeNumber } from '../messaging/dialects/text/index.ts';

/**
 * Words of products that this Timmy does not sell yet. They are answered, for selling "session 500" as a question would
 * be a bad joke. A product that arrives registers its own words and takes its lines away here.
 */
export function notYetWords(): WordCommand[] {
  const sessions = 'Sessions are not offered here yet. Write what you want done: each request is paid by itself.';
  const answer = (word: string, usage: string, parse: WordCommand['parse'], text: string): WordCommand =>
    wordCommand({
      word,
      usage,
      parse,
      run: (tx, _args, context) => {
        context.say(tx, `${text} Nothing was charged.`);
        return undefined;
      },
    });
  return [
    answer('session', 'session [sats]', optional('amount', wholeNumber), sessions),
    answer('topup', 'topup <sats>', wholeNumber, sessions),
    ...['balance', 'new', 'close', 'token'].map((word) => answer(word, word, nothing, sessions)),
    answer('use', 'use <token>', one('token', hex32), sessions),
    answer('bootstrap', 'bootstrap', anyOf({}), 'Nodes of your own are not offered here yet.'),
  ];
}
