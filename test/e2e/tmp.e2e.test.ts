import { test } from 'vitest';
import { readFileSync } from 'node:fs';
import { openCustomer } from '../builders/daemon-customer.ts';
import { openOutside } from '../builders/daemon-outside.ts';
test('measure', async () => {
  const outside = await openOutside();
  const limits = { LIMIT_OPEN_INVOICES: '200', LIMIT_NEW_PER_HOUR: '1000', LIMIT_COMMANDS_BURST: '1000', LIMIT_UNPAID_ANSWERS_PER_MINUTE: '1000', LIMIT_COMMANDS_PER_SECOND: '100' };
  const daemon = outside.daemon(limits);
  const rss = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))![1]) / 1024;
  await daemon.start();
  const customer = await openCustomer(outside.relays, daemon.publicKey);
  const took: number[] = [];
  try {
  for (let i = 0; i < 50; i++) {
    const wrap = customer.wrap(customer.compose(`job Why is the sky blue on day ${i} of the year?`));
    const t = performance.now();
    await customer.publish(wrap);
    await customer.ear.takeText(/^lnbc/);
    took.push(performance.now() - t); await new Promise((r) => setTimeout(r, 700));
  }
  } catch (e) { console.log('FAILED at', took.length, customer.ear.messages.slice(-6).map(m => m.text.slice(0, 200)).join('\n'), (await daemon.cli('status')).stdout, daemon.log.slice(-15).map(l => JSON.stringify(l)).join('\n')); }
  const by = [...took].sort((a, b) => a - b);
  console.log('first', took[0], 'p50', by[24], 'p95', by[47], 'max', by[49], 'rss', rss());
  await customer.close(); await outside.close();
});
