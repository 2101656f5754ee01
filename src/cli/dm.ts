import { resolve } from 'node:path';
import type { Command } from 'commander';
import { sleep } from '../lib/clock.ts';
import { cleanText } from '../lib/clean-text.ts';
import { silentLog } from '../lib/log.ts';
import { encodeNpub, generateSecretKey } from '../nostr/keys.ts';
import {
  protocolOf,
  recipientOf,
  relaysFor,
  settingsOf,
  withAddressOptions,
  type AddressOptions,
} from './customer/address-options.ts';
import {
  openCustomer,
  type Customer,
  type CustomerOptions,
  type ReceivedDm,
  type SentDm,
} from './customer/customer.ts';
import { keyNamed } from './customer/key-file.ts';
import type { DmProtocol } from './customer/compose.ts';
import { print, say } from './output.ts';
import { Failure, UsageError, type Cli } from './run.ts';

interface DmOptions extends AddressOptions {
  readonly as?: string;
  readonly wait?: string;
  readonly until?: string;
  readonly json?: true;
}

const DEFAULT_WAIT_SECONDS = 10;
const DEFAULT_WAIT_UNTIL_SECONDS = 60;

/**
 * `timmy dm NPUB TEXT…`: one message as a customer, and what comes back. Exit 1 when no relay took it, or when
 * `--until` was not met in time.
 */
export function registerDm(program: Command, cli: Cli): void {
  withAddressOptions(program.command('dm').argument('<npub>', 'whom to write to').argument('<text...>', 'what to say'))
    .description('send one direct message as a customer and print what comes back')
    .option('--as <file|nsec>', 'with this key; without it each call is a new customer')
    .option(
      '--wait <seconds>',
      `how long to listen (${DEFAULT_WAIT_SECONDS}; with --until ${DEFAULT_WAIT_UNTIL_SECONDS})`,
    )
    .option('--until <regex>', 'stop at the first message that matches; exit 1 if none did')
    .option('--json', 'one JSON object a line for each message')
    .action(async (npub: string, words: string[], options: DmOptions) => {
      const until = options.until === undefined ? undefined : patternOf(options.until);
      const waitSeconds = secondsOf(
        options.wait,
        until === undefined ? DEFAULT_WAIT_SECONDS : DEFAULT_WAIT_UNTIL_SECONDS,
      );
      const [recipient, protocol] = [recipientOf(npub), protocolOf(options)];
      const met = new AbortController();
      const onMessage = (message: ReceivedDm): void => {
        if (met.signal.aborted) return;
        printMessage(cli, message, recipient, options.json === true);
        if (until?.test(message.text) === true) met.abort();
      };
      const customer = await open(cli, {
        ...relaysFor(options, () => settingsOf(cli)),
        secretKey: options.as === undefined ? generateSecretKey(cli.rng) : keyNamed(pathOrKey(cli, options.as)),
        keepRelayList: options.as !== undefined,
        connect: (signer) => cli.connect(signer),
        clock: cli.clock,
        rng: cli.rng,
        log: silentLog,
        onMessage,
      });
      try {
        const sent = await send(customer, recipient, words.join(' '), protocol);
        say(cli, `sent as ${encodeNpub(customer.publicKey)} to ${sent.accepted.join(', ')}`);
        if (waitSeconds > 0) await sleep(cli.clock, waitSeconds * 1000, met.signal);
      } finally {
        await customer.close();
      }
      if (until !== undefined && !met.signal.aborted) {
        throw new Failure(`nothing that matches --until came within ${waitSeconds} s`);
      }
    });
}

/** As `openCustomer`, with its trouble in words for the terminal. */
export async function open(cli: Cli, options: CustomerOptions): Promise<Customer> {
  try {
    return await openCustomer(options);
  } catch (error) {
    const what = error instanceof Error ? error.message : 'the relays could not be read';
    throw new Failure(`${what}. --relay URL names another; that of "timmy start --dev" is ws://127.0.0.1:7777`);
  }
}

/** As `customer.send`. @throws Failure when the message is too large or no relay took it. */
export async function send(customer: Customer, recipient: string, text: string, protocol: DmProtocol): Promise<SentDm> {
  let sent: SentDm;
  try {
    sent = await customer.send(recipient, text, protocol);
  } catch (error) {
    if (error instanceof RangeError) throw new Failure('the message is too large');
    throw error;
  }
  if (sent.accepted.length > 0) return sent;
  throw new Failure(
    `no relay took the message: ${sent.refused.map(({ relay, why }) => `${relay} (${why})`).join(', ')}`,
  );
}

function printMessage(cli: Cli, message: ReceivedDm, expected: string, json: boolean): void {
  const { id, from, text, createdAt, replyTo, protocol } = message;
  const npub = encodeNpub(from);
  const words = cleanText(text);
  print(
    cli,
    json,
    { id, from, npub, text, created_at: createdAt, reply_to: replyTo, protocol },
    from === expected ? words : `[${npub}]\n${words}`,
  );
}

function pathOrKey(cli: Cli, as: string): string {
  return /^(nsec1|[0-9a-f]{64}$)/i.test(as) ? as : resolve(cli.cwd, as);
}

function patternOf(written: string): RegExp {
  try {
    return new RegExp(written, 'm');
  } catch {
    throw new UsageError('--until takes a regular expression (of JavaScript)');
  }
}

function secondsOf(written: string | undefined, fallback: number): number {
  if (written === undefined) return fallback;
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(written)) throw new UsageError('--wait takes a number of seconds');
  return Number(written);
}
