import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { encodeNpub, parseNpub } from '../nostr/keys.ts';
import { readChain, readReceipt, verifyReceipt, type OrderAccount, type VerifyOptions } from '../receipts/index.ts';
import { print } from './output.ts';
import { Failure, UsageError, type Cli } from './run.ts';

/** `timmy verify [--chain] FILE|-`: receipts checked offline, with nothing but what stands in them (docs/receipts.md). */
export function registerVerify(program: Command, cli: Cli): void {
  program
    .command('verify')
    .argument('<file>', 'one event, a JSON array, or JSON lines; - reads standard input')
    .description('check receipts offline')
    .option('--chain', 'also that none of them is missing, oldest first, and what is still owed')
    .option('--signer <npub>', 'who must have signed them; without it any key will do')
    .option('--json', 'one JSON object')
    .action(async (file: string, options: { chain?: true; signer?: string; json?: true }) => {
      const signed = options.signer === undefined ? {} : { signer: signerOf(options.signer) };
      const events = eventsIn(await textOf(cli, file));
      const found = Array.isArray(events)
        ? check(events, options.chain === true, signed)
        : { problems: [events.unreadable], accounts: null };
      const { problems } = found;
      const count = Array.isArray(events) ? events.length : 0;
      const ok = problems.length === 0;
      const { signers, customers } = peopleIn(Array.isArray(events) ? events : []);
      const accounts = ok ? found.accounts : null;
      const json = {
        ok,
        receipts: count,
        problems,
        signers,
        customers,
        signer_checked: options.signer !== undefined,
        ...(accounts === null ? {} : { total: inJson(totalOf(accounts)), orders: accounts.map(inJson) }),
      };
      const holds = `${count === 1 ? 'One receipt: it holds' : `${count} receipts: they hold`}${options.chain === true ? ', and none before the last is missing' : ''}.`;
      const words = [
        holds,
        `Signed by ${signers.join(' and ')}.`,
        `For ${customers.join(' and ')}.`,
        ...(accounts === null ? [] : [...accounts.map(inWords), inWords(totalOf(accounts))]),
        ...(options.signer === undefined ? [NOT_WHOSE] : []),
      ];
      if (ok || options.json === true) print(cli, options.json === true, json, words.join('\n'));
      if (!ok) throw new Failure(options.json === true ? `${problems.length} problems.` : problems.join('\n'));
    });
}

const NOT_WHOSE =
  'No --signer was given: what they say agrees with itself, whoever wrote it. Is that the key you paid? Give its npub with --signer.';

/** Whose keys stand in what can be read, as npubs. */
function peopleIn(events: readonly unknown[]): { signers: string[]; customers: string[] } {
  const receipts = events.flatMap((event) => {
    const receipt = readReceipt(event);
    return 'content' in receipt ? [receipt] : [];
  });
  const npubs = (keys: readonly string[]): string[] => [...new Set(keys)].map(encodeNpub);
  return {
    signers: npubs(receipts.map(({ event }) => event.pubkey)),
    customers: npubs(receipts.map(({ customer }) => customer)),
  };
}

interface Found {
  readonly problems: readonly string[];
  /** What came and went by order; of a chain only. */
  readonly accounts: readonly OrderAccount[] | null;
}

function check(events: readonly unknown[], chain: boolean, options: VerifyOptions): Found {
  if (events.length === 0) return { problems: ['There is no receipt in it.'], accounts: null };
  if (chain) return readChain(events, options);
  const problems = events.flatMap((event, index) =>
    verifyReceipt(event, options).map((problem) =>
      events.length === 1 ? problem : `Receipt ${index + 1}: ${problem}`,
    ),
  );
  return { problems, accounts: null };
}

function totalOf(accounts: readonly OrderAccount[]): OrderAccount {
  const total = (key: Exclude<keyof OrderAccount, 'id'>): number =>
    accounts.reduce((sum, account) => sum + account[key], 0);
  return {
    id: 'In all',
    paid: total('paid'),
    fromOwed: total('fromOwed'),
    charged: total('charged'),
    refunded: total('refunded'),
    used: total('used'),
    owed: total('owed'),
    held: total('held'),
  };
}

function inWords({ id, paid, fromOwed, charged, refunded, used, owed, held }: OrderAccount): string {
  const more = [
    fromOwed > 0 ? `, ${fromOwed} out of what was owed` : '',
    used > 0 ? `, ${used} of it used for a next step` : '',
    held > 0 ? `, ${held} left in the session` : '',
  ];
  return `${id}: ${paid} sats paid${more[0]}, ${charged} charged, ${refunded} refunded${more[1]}${more[2]}, ${owed} still owed.`;
}

function inJson({ id, fromOwed, ...sats }: OrderAccount): object {
  const { paid, charged, refunded, used, owed, held } = sats;
  return {
    id,
    paid_sats: paid,
    from_owed_sats: fromOwed,
    charged_sats: charged,
    refunded_sats: refunded,
    used_sats: used,
    owed_sats: owed,
    held_sats: held,
  };
}

/** One JSON value (an event, or an array of them), else one event a line. */
function eventsIn(text: string): unknown[] | { readonly unreadable: string } {
  const whole = parse(text);
  if (whole !== undefined) return Array.isArray(whole.value) ? (whole.value as unknown[]) : [whole.value];
  const events: unknown[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = parse(line);
    if (parsed === undefined)
      return {
        unreadable: `Line ${index + 1} is not JSON. Receipts are the lines that begin with {: keep those alone (grep '^{').`,
      };
    events.push(parsed.value);
  }
  return events;
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

async function textOf(cli: Cli, file: string): Promise<string> {
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of cli.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
    return Buffer.concat(chunks).toString();
  }
  try {
    return await readFile(resolve(cli.cwd, file), 'utf8');
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
}

function signerOf(written: string): string {
  const hex = parseNpub(written);
  if (hex === null) throw new UsageError('--signer takes an npub (npub1…) or 64 hex characters');
  return hex;
}
