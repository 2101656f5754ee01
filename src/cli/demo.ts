import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { createLog } from '../app/log-sink.ts';
import { startDaemon } from '../app/daemon.ts';
import { describeStubPayment, payStub } from '../app/pay-stub.ts';
import { VERSION } from '../app/version.ts';
import { loadSettings, type Settings } from '../config/index.ts';
import { silentLog } from '../lib/log.ts';
import { generateSecretKey, parseNpub } from '../nostr/keys.ts';
import { createConversation } from './chat-screen.ts';
import { customerInvoice } from './customer/own-invoice.ts';
import { openCustomer, type Customer, type ReceivedDm } from './customer/customer.ts';
import { print, say } from './output.ts';
import { invoiceIn } from './qr.ts';
import { Failure, UsageError, type Cli } from './run.ts';

const REQUEST = 'Why is the sky blue? Explain it to a child.';
const STEP_MS = 30_000;

/**
 * `timmy demo`: a whole sale on this machine, with nothing configured and no network: embedded relay, stub wallet,
 * stub agent, and a customer with a key of its own. In a terminal one may go on talking afterwards.
 */
export function registerDemo(program: Command, cli: Cli): void {
  program
    .command('demo')
    .argument('[product]', 'job, or bootstrap: a node that is ordered, comes up and writes to its owner', 'job')
    .description('see a whole sale, from the message to the receipt, with nothing configured')
    .action(async (product: string) => {
      const story = STORIES[product];
      if (story === undefined)
        throw new UsageError(`There is no demo of that. There are: ${Object.keys(STORIES).join(', ')}`);
      const dir = mkdtempSync(join(tmpdir(), 'timmy-demo-'));
      try {
        await runDemo(cli, demoSettings(dir), story);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    });
}

/** Whatever this machine has configured stays out: the demo never touches a real wallet, key or relay. */
function demoSettings(dir: string): Settings {
  const env = {
    TIMMY_DATA_DIR: dir,
    TIMMY_DEV_RELAY_PORT: '0',
    TIMMY_ALLOW_PRIVATE_NETWORK: '1',
    TIMMY_LOG_LEVEL: 'warn',
  };
  return loadSettings({ env, cwd: dir });
}

async function runDemo(cli: Cli, settings: Settings, story: Story): Promise<void> {
  const { clock, rng } = cli;
  say(cli, 'Starting: an embedded relay, a stub wallet (regtest, no real sats), a stub agent (no model), and Timmy.');
  const log = createLog({ level: 'error', stream: cli.stderr, pretty: true, clock });
  const daemon = await startDaemon({
    settings,
    secretKey: generateSecretKey(rng),
    clock,
    rng,
    log,
    version: VERSION,
    dev: true,
  });
  await daemon.ready;
  say(cli, `Timmy is ${daemon.npub}\nIts relay is ${daemon.devRelayUrl ?? ''}\n`);
  const timmy = parseNpub(daemon.npub) ?? '';

  const waiting: { match: (text: string) => boolean; resolve: (text: string) => void }[] = [];
  const heard: string[] = [];
  const screen = createConversation({
    recipient: timmy,
    columns: () => (cli.stdout.isTTY ? cli.stdout.columns : 0),
    write: (words) => print(cli, false, null, `${heardFrom(words)}\n`),
  });
  const onMessage = (message: ReceivedDm): void => {
    screen.receive(message);
    heard.push(message.text);
    for (const one of [...waiting]) {
      if (!one.match(message.text)) continue;
      waiting.splice(waiting.indexOf(one), 1);
      one.resolve(message.text);
    }
  };
  const customer = await openCustomer({
    secretKey: generateSecretKey(rng),
    relays: [daemon.devRelayUrl ?? ''],
    connect: (signer) => cli.connect(signer),
    clock,
    rng,
    log: silentLog,
    onMessage,
  });
  const next = (what: string, match: (text: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const cancel = clock.after(STEP_MS, () =>
        reject(new Failure(`Nothing came within 30 seconds: ${what}. This is a bug; please report it.`)),
      );
      waiting.push({ match, resolve: (text) => (cancel(), resolve(text)) });
    });
  try {
    await story(cli, settings, { customer, timmy, next });
    if (cli.stdin.isTTY) await goOn(cli, settings, customer, timmy, () => screen.lastInvoice()?.bolt11);
  } finally {
    await customer.close();
    await daemon.stop();
  }
}

type Story = (cli: Cli, settings: Settings, stage: Stage) => Promise<void>;

const STORIES: Readonly<Record<string, Story>> = { job: sellJob, bootstrap: sellNode };

interface Stage {
  readonly customer: Customer;
  readonly timmy: string;
  readonly next: (what: string, match: (text: string) => boolean) => Promise<string>;
}

async function sellJob(cli: Cli, settings: Settings, { customer, timmy, next }: Stage): Promise<void> {
  const isInvoice = (text: string): boolean => invoiceIn(text) !== null;
  const write = async (text: string): Promise<void> => {
    print(cli, false, null, `${indent('You', text)}\n`);
    await customer.send(timmy, text);
  };
  const pay = (bolt11: string): void => {
    const { words } = describeStubPayment(payStub(settings, invoiceIn(bolt11) ?? bolt11));
    print(cli, false, null, `${indent('Your wallet', words)}\n`);
  };

  const look = next('the first invoice', isInvoice);
  await write(REQUEST);
  const first = await look;
  const work = next('the invoice for the work', (text) => isInvoice(text) && text !== first);
  pay(first);
  const second = await work;
  const answer = next('the answer', (text) => text.includes('receipt J-'));
  pay(second);
  const bill = await answer;

  const id = /J-[0-9A-Z]{5}/.exec(bill)?.[0] ?? '';
  const change = Number(/(\d+) yours/.exec(bill)?.[1] ?? 0);
  const receipt = next('the receipt', (text) => text.includes('"sig"'));
  await write(`receipt ${id}`);
  await receipt;
  if (change > 0) {
    const paidOut = next('the change', (text) => text.startsWith('Paid out'));
    await write(customerInvoice(change, 'my change', cli.clock.now(), cli.rng));
    await paidOut;
  }
  print(cli, false, null, 'That was a whole sale: request, price, invoice, payment, answer, receipt, change.');
}

/** A node that exists nowhere but in a process of this machine; its key, its messages and its relay are real. */
async function sellNode(cli: Cli, settings: Settings, { customer, timmy, next }: Stage): Promise<void> {
  const isInvoice = (text: string): boolean => invoiceIn(text) !== null;
  const price = next('the invoice for a node', isInvoice);
  print(cli, false, null, `${indent('You', 'bootstrap keygen')}\n`);
  await customer.send(timmy, 'bootstrap keygen');
  const credentials = next("the node's credentials", (text) => text.includes('Credentials of B-'));
  const introduction = next('its introduction', (text) => text.includes('has a key of its own'));
  const { words } = describeStubPayment(payStub(settings, invoiceIn(await price) ?? ''));
  print(cli, false, null, `${indent('Your wallet', words)}\n`);
  await Promise.all([credentials, introduction]);
  print(
    cli,
    false,
    null,
    'That was a whole sale of a node: price, payment, its key, its server (a stub), and its own first words.',
  );
}

async function goOn(
  cli: Cli,
  settings: Settings,
  customer: Customer,
  timmy: string,
  lastInvoice: () => string | undefined,
): Promise<void> {
  say(cli, '\nGo on talking if you like: what you type is sent, /pay pays the last invoice, /quit ends.');
  const input = createInterface({ input: cli.stdin, output: cli.stdout, terminal: true, prompt: '> ' });
  input.prompt();
  for await (const line of input) {
    const text = line.trim();
    if (text === '/quit') break;
    const bolt11 = lastInvoice();
    if (text === '/pay')
      say(
        cli,
        bolt11 === undefined ? 'There was no invoice yet.' : describeStubPayment(payStub(settings, bolt11)).words,
      );
    else if (text !== '') await customer.send(timmy, text);
    input.prompt();
  }
  input.close();
}

/** What another key than Timmy's says comes with that key before it. */
function heardFrom(words: string): string {
  const [, npub, text] = /^\[(npub1\w+)\]\n([\s\S]*)$/.exec(words) ?? [];
  return npub === undefined || text === undefined ? indent('Timmy', words) : indent(`The node ${npub}`, text);
}

function indent(who: string, text: string): string {
  return `${who}:\n${text.replace(/^/gm, '  ')}`;
}
