import { wordCommand, type WordCommand } from '../engine/index.ts';
import { anyOf } from '../messaging/dialects/text/index.ts';

/**
 * Words of products that this Timmy does not sell yet. They are answered, for selling "bootstrap" as a question would
 * be a bad joke. A product that arrives registers its own words and takes its lines away here.
 */
export function notYetWords(): WordCommand[] {
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
  return [answer('bootstrap', 'bootstrap', anyOf({}), 'Nodes of your own are not offered here yet.')];
}
