/**
 * The fake as a process of its own, for as long as its stdin is open (Node >= 22.18, or tsx):
 * `main.ts [--profile 1.5|1.6] [--file BOOKS.json] [--port N] [--fund-sats N]`. Prints one JSON line when it listens.
 * Commands come on stdin, one JSON object a line, and are answered in kind: `{"pay": bolt11}`,
 * `{"receive": msats, "script": "ok"|"fail"|…}`, `{"books": true}`, `{"violations": true}`.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { scripts, startFakeLnbits, type PayScript } from './index.ts';

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: '1.6' },
    file: { type: 'string' },
    port: { type: 'string', default: '0' },
    'fund-sats': { type: 'string', default: '100000' },
  },
});

const fake = await startFakeLnbits({
  profile: values.profile === '1.5' ? '1.5' : '1.6',
  file: values.file ?? null,
  port: Number(values.port),
  fundSats: Number(values['fund-sats']),
});
const { inkey, adminkey, id } = fake.wallet;
say({ url: fake.url, wallet_id: id, invoice_key: inkey, admin_key: adminkey, profile: fake.profile });

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as {
    pay?: string;
    receive?: number;
    script?: string;
    books?: true;
    violations?: true;
  };
  if (command.pay !== undefined) say({ paid: fake.payInvoice(command.pay) });
  else if (command.receive !== undefined)
    say({ bolt11: fake.receiveInvoice(command.receive, scriptNamed(command.script)) });
  else if (command.books === true) say(fake.books());
  else if (command.violations === true) say({ violations: fake.oracle.violations() });
}
await fake.stop();

function scriptNamed(name = 'ok'): PayScript {
  const found = (scripts as Record<string, unknown>)[name];
  return typeof found === 'object' ? (found as PayScript) : scripts.ok;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
