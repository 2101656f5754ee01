import type { Reader, Tx } from '../db/index.ts';
import { wordCommand, type WordCommand } from '../engine/index.ts';
import { nothing } from '../messaging/dialects/text/index.ts';
import type { InfoParts } from './info.ts';

/** The short help, under 350 characters so that no client folds it away: what this is, what it costs, how to begin. */
export function shortHelp(info: InfoParts, reader: Reader): string {
  const more = info.inShort.map((sentence) => `${sentence} `).join('');
  return (
    `I am ${info.name}, a machine that answers questions for sats. Write what you want done: ${info.priceInWords(reader)}. ` +
    `You pay a Lightning invoice that I send, and get back what it did not cost. ${more}Your words go to a model provider. help lists the commands.`
  );
}

/** Behind the lines of the products. */
const LONG_HELP = `status: what is open, what is yours
invoice <id>: the invoice again
cancel <id>: drop it
paid: look for my payment
refund <invoice>: pay out what is yours
receipt <id>: every figure, signed
history: what you bought
refunds on|off: pay me back by itself
keep on|off: what is mine pays the next step
uri: invoices as links
forget: erase my texts`;

export function helpCommand(info: InfoParts): WordCommand {
  return wordCommand({
    word: 'help',
    usage: 'help',
    parse: nothing,
    needsPrice: true,
    run: (tx: Tx, _args, context) => {
      context.say(tx, `${longHelp(info)}\n\nToday: ${info.priceInWords(tx)}. Requests are sent to a model provider.`);
      return undefined;
    },
  });
}

function longHelp(info: InfoParts): string {
  return ['Write what you want done and I name the price.', ...info.help, LONG_HELP].join('\n');
}
