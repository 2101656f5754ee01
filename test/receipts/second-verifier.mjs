/**
 * A verifier of receipts written from docs/receipts.md alone: it imports nothing of ours. A test holds it against
 * `timmy verify`, so that the page stays enough. Node 22 or newer, and a library for BIP-340.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { hashes, schnorr } from '@noble/secp256k1';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
hashes.sha256 ??= (bytes) => new Uint8Array(sha256(bytes));

class Refused extends Error {}
function must(holds, why) {
  if (!holds) throw new Refused(why);
}

// Values: each takes a value and says whether it is one.

const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const whole = (min, max) => (v) => Number.isSafeInteger(v) && v >= min && v <= max;
const pattern = (regex) => (v) => typeof v === 'string' && regex.test(v);
const oneOf =
  (...values) =>
  (v) =>
    values.includes(v);
const orNull = (type) => (v) => v === null || type(v);
const list =
  (type, max, min = 0) =>
  (v) =>
    Array.isArray(v) && v.length >= min && v.length <= max && v.every(type);
const object = (shape) => (v) =>
  isObject(v) &&
  Object.keys(v).length === Object.keys(shape).length &&
  Object.keys(shape).every((k) => Object.hasOwn(v, k) && shape[k](v[k]));

const hash = pattern(/^[0-9a-f]{64}$/);
const id = pattern(/^[A-Z]-[0-9A-HJKMNP-TV-Z]{5}$/);
const decimal = pattern(/^(0|[1-9][0-9]{0,19})(\.[0-9]{0,29}[1-9])?$/);
const positive = (v) => decimal(v) && v !== '0';
const name = (v) => typeof v === 'string' && v.length >= 1 && v.length <= 200 && v.isWellFormed();
const sats = whole(0, 1e12);
const someSats = whole(1, 1e12);
const tokens = whole(0, 1e9);
const time = whole(0, 2 ** 32 - 1);
const flag = (v) => typeof v === 'boolean';

const classes = { in_rate: decimal, cache_write_rate: decimal, cache_read_rate: decimal, out_rate: decimal };
const counts = { input_tokens: tokens, cache_write_tokens: tokens, cache_read_tokens: tokens, output_tokens: tokens };
const rates = object({ model: name, ...classes, band: orNull(object({ above_prompt_tokens: tokens, ...classes })) });
const debt = object({ id, amount_sats: someSats, payment_hash: orNull(hash) });
const purposes = ['eval', 'work', 'order', 'deposit', 'topup', 'bootstrap'];
const outcomes =
  'accepted requoted rejected cancelled eval_failed work_failed complete failed renewed ended ended_early'.split(' ');

const isCharge = object({
  v: oneOf(1),
  type: oneOf('charge'),
  previous: orNull(hash),
  product: oneOf('job', 'session', 'bootstrap'),
  id,
  session: orNull(id),
  outcome: oneOf(...outcomes),
  tariff: orNull(
    object({
      formula: oneOf(1),
      btc_price_usd: positive,
      btc_price_source: name,
      eval: rates,
      work: rates,
      margin_pct: decimal,
      infra_monthly_usd: decimal,
      infra_monthly_requests: positive,
    }),
  ),
  fee_sats: sats,
  quote: orNull(object({ input_tokens: tokens, output_tokens: tokens, amount_sats: someSats })),
  payments: list(
    object({ purpose: oneOf(...purposes), amount_sats: someSats, payment_hash: orNull(hash), debts: list(debt, 1000) }),
    1000,
  ),
  items: list(object({ role: oneOf('eval', 'work'), ...counts }), 2),
  cut: flag,
  term: orNull(object({ from: time, until: time, ended_at: orNull(time) })),
  limit_sats: orNull(sats),
  balance_before_sats: orNull(sats),
  spent_by_token_sats: sats,
  returned_sats: sats,
  bill: object({
    ...{ token_usd: decimal, infra_usd: decimal, margin_usd: decimal, actual_sats: sats, owed_sats: sats },
    ...{ charged_sats: whole(-1e12, 1e12), balance_after_sats: orNull(sats) },
  }),
});

const isRefund = object({
  ...{ v: oneOf(1), type: oneOf('refund'), previous: orNull(hash), amount_sats: someSats },
  ...{ debts: list(debt, 1000, 1), payment_hash: hash, preimage: orNull(hash) },
});

/** Canonical JSON of what JSON.parse gave. */
function canonical(v) {
  if (Array.isArray(v)) return `[${v.map(canonical).join(',')}]`;
  if (!isObject(v)) return JSON.stringify(v);
  const keys = Object.keys(v).sort();
  return `{${keys.map((k) => `${JSON.stringify(k)}:${canonical(v[k])}`).join(',')}}`;
}

// Exact fractions.

const frac = (n, d = 1n) => ({ n, d });
const plus = (a, b) => frac(a.n * b.d + b.n * a.d, a.d * b.d);
const times = (a, b) => frac(a.n * b.n, a.d * b.d);
const over = (a, b) => frac(a.n * b.d, a.d * b.n);
const int = (n) => frac(BigInt(n));
const ceil = ({ n, d }) => (n + d - 1n) / d;
function dec(text) {
  const [units, places = ''] = text.split('.');
  return frac(BigInt(units + places), 10n ** BigInt(places.length));
}
/** Rounded half up to 12 places, without trailing zeros. */
function shown({ n, d }) {
  const scaled = (2n * n * 10n ** 12n + d) / (2n * d);
  const digits = scaled.toString().padStart(13, '0');
  return `${digits.slice(0, -12)}.${digits.slice(-12)}`.replace(/\.?0+$/, '');
}

function price(items, tariff, withInfra) {
  let token = int(0);
  for (const item of items) {
    const own = tariff[item.role];
    const prompt = item.input_tokens + item.cache_write_tokens + item.cache_read_tokens;
    const at = own.band !== null && prompt > own.band.above_prompt_tokens ? own.band : own;
    for (const [count, rate] of [
      ['input', 'in'],
      ['cache_write', 'cache_write'],
      ['cache_read', 'cache_read'],
      ['output', 'out'],
    ])
      token = plus(token, times(int(item[`${count}_tokens`]), dec(at[`${rate}_rate`])));
  }
  token = over(token, int(1000));
  const infra = withInfra ? over(dec(tariff.infra_monthly_usd), dec(tariff.infra_monthly_requests)) : int(0);
  const margin = over(times(plus(token, infra), dec(tariff.margin_pct)), int(100));
  const usd = plus(plus(token, infra), margin);
  const actual = ceil(times(over(usd, dec(tariff.btc_price_usd)), int(100_000_000)));
  must(actual <= 10n ** 12n, 'a price beyond reason');
  return { token_usd: shown(token), infra_usd: shown(infra), margin_usd: shown(margin), actual_sats: Number(actual) };
}

const sum = (rows) => rows.reduce((total, row) => total + row.amount_sats, 0);

function bill(c) {
  const { product, outcome, payments, fee_sats: fee, term } = c;
  let priced = null;
  if (product === 'job' && outcome === 'complete') priced = c.items.filter((item) => item.role === 'work');
  if (product === 'session' && (outcome === 'complete' || outcome === 'rejected')) priced = c.items;
  const usage =
    priced === null
      ? { token_usd: '0', infra_usd: '0', margin_usd: '0', actual_sats: 0 }
      : price(priced, c.tariff, outcome === 'complete');
  if (product === 'session') {
    const charged = Math.min(usage.actual_sats, c.limit_sats ?? 0);
    const before = c.balance_before_sats;
    const after = before === null ? null : before - charged - c.returned_sats;
    must(after === null || after >= 0, 'a balance below zero');
    return { ...usage, charged_sats: charged, owed_sats: c.returned_sats, balance_after_sats: after };
  }
  const paid = sum(payments);
  let owed;
  if (outcome === 'ended_early') {
    owed = fee - Number(ceil(over(times(int(fee), int(term.ended_at - term.from)), int(term.until - term.from))));
  } else {
    let charged = fee;
    if (outcome === 'eval_failed' || (product === 'bootstrap' && outcome === 'failed')) charged = 0;
    if (product === 'job' && outcome === 'complete') charged += Math.min(usage.actual_sats, c.quote.amount_sats);
    owed = paid - charged;
  }
  must(owed >= 0, 'more charged than paid');
  return { ...usage, charged_sats: paid - owed, owed_sats: owed, balance_after_sats: null };
}

// What belongs together: [outcome, fee, payments, quote, items, term]; items in parentheses may be missing.

const DEPOSITS = null;
const TABLE = {
  job: [
    ['accepted', '>0', ['eval'], true, 'eval'],
    ['requoted', '0', [], true, ''],
    ['complete', '0', ['work'], true, 'work'],
    ['work_failed', '0', ['work'], true, '(work)'],
    ...[['order'], ['eval', 'work']].flatMap((paid) => [
      ['complete', '>0', paid, true, 'eval,work'],
      ['work_failed', '>0', paid, true, 'eval(,work)'],
    ]),
    ...[['eval'], ['order']].flatMap((paid) => [
      ['rejected', '>0', paid, paid[0] === 'order', 'eval'],
      ['cancelled', '>0', paid, paid[0] === 'order', '(eval)'],
      ['eval_failed', '>0', paid, paid[0] === 'order', '(eval)'],
    ]),
  ],
  session: [
    ['complete', '0', DEPOSITS, false, 'eval,work'],
    ['rejected', '0', DEPOSITS, false, 'eval'],
    ['eval_failed', '0', DEPOSITS, false, '(eval)'],
    ['work_failed', '0', DEPOSITS, false, 'eval(,work)'],
    ['ended', '0', DEPOSITS, false, ''],
  ],
  bootstrap: [
    ['complete', '>0', ['bootstrap'], false, '', 'given'],
    ['renewed', '>0', ['bootstrap'], false, '', 'given'],
    ['failed', '>0', ['bootstrap'], false, ''],
    ['ended_early', '>0', ['bootstrap'], false, '', 'ended'],
    ['ended_early', '>0', [], false, '', 'ended'],
  ],
};

function fits(c, [outcome, fee, paid, quote, items, term]) {
  if (c.outcome !== outcome || c.fee_sats > 0 !== (fee === '>0') || (c.quote !== null) !== quote) return false;
  const work = c.quote?.amount_sats;
  const amounts = { eval: c.fee_sats, work, order: c.fee_sats + work, bootstrap: c.fee_sats };
  if (paid === DEPOSITS) {
    if (!c.payments.every((p) => p.purpose === 'deposit' || p.purpose === 'topup')) return false;
  } else {
    if (c.payments.length !== paid.length) return false;
    if (!c.payments.every((p, n) => p.purpose === paid[n] && p.amount_sats === amounts[p.purpose])) return false;
  }
  const roles = c.items.map((item) => item.role).join();
  if (roles !== items.replace(/[()]/g, '') && roles !== items.replace(/\(.*\)/, '')) return false;
  if (term === undefined) return c.term === null;
  if (c.term === null || c.term.from >= c.term.until) return false;
  const end = c.term.ended_at;
  return term === 'given' ? end === null : end !== null && c.term.from <= end && end < c.term.until;
}

const apart = (debts) => new Set(debts.map((d) => `${d.id}/${d.payment_hash}`)).size === debts.length;

function checkCharge(c) {
  must(
    TABLE[c.product].some((row) => fits(c, row)),
    'what belongs together does not stand together',
  );
  const isSession = c.product === 'session';
  const ended = c.outcome === 'ended';
  must((c.tariff === null) === (c.product === 'bootstrap' || ended), 'tariff');
  must(!c.cut || (c.outcome === 'complete' && c.product !== 'bootstrap'), 'cut');
  const seen = c.payments.map((p) => p.payment_hash).filter((h) => h !== null);
  must(new Set(seen).size === seen.length, 'a hash twice');
  for (const p of c.payments) {
    must(apart(p.debts), 'a debt twice');
    must(p.payment_hash === null ? sum(p.debts) === p.amount_sats : p.debts.length === 0, 'debts of a payment');
  }
  if (!isSession) {
    must(c.session === null && c.limit_sats === null && c.balance_before_sats === null, 'only of a session');
    must(c.spent_by_token_sats === 0 && c.returned_sats === 0, 'only of a session');
  } else {
    must(c.session !== null && (c.session === c.id) === ended, 'session and id');
    must((c.limit_sats === null) === ended, 'limit');
    if (c.balance_before_sats === null) {
      must(!ended && c.payments.length === 0 && c.spent_by_token_sats === 0 && c.returned_sats === 0, "a holder's");
    } else must((c.limit_sats ?? 0) <= c.balance_before_sats, 'limit above balance');
  }
  if (c.quote !== null) {
    const { input_tokens, output_tokens, amount_sats } = c.quote;
    const item = { role: 'work', input_tokens, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens };
    must(Math.max(1, price([item], c.tariff, true).actual_sats) === amount_sats, 'quote');
  }
  must(canonical(bill(c)) === canonical(c.bill), 'bill');
}

function checkRefund(c) {
  must(sum(c.debts) === c.amount_sats && apart(c.debts), 'debts');
  must(c.preimage === null || sha256(Buffer.from(c.preimage, 'hex')).toString('hex') === c.payment_hash, 'preimage');
}

const isEvent = object({
  id: hash,
  pubkey: hash,
  sig: pattern(/^[0-9a-f]{128}$/),
  kind: oneOf(3871),
  created_at: whole(0, Number.MAX_SAFE_INTEGER),
  tags: (v) =>
    Array.isArray(v) && v.length === 1 && Array.isArray(v[0]) && v[0].length === 2 && v[0][0] === 'p' && hash(v[0][1]),
  content: (v) => typeof v === 'string',
});

function read(event) {
  must(isEvent(event), 'the shape of the event');
  const serial = JSON.stringify([0, event.pubkey, event.created_at, event.kind, event.tags, event.content]);
  must(Buffer.byteLength(serial) <= 131_072, 'too long');
  must(sha256(serial).toString('hex') === event.id, 'id');
  const [sig, message, key] = [event.sig, event.id, event.pubkey].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
  must(schnorr.verify(sig, message, key), 'signature');
  let content;
  try {
    content = JSON.parse(event.content);
  } catch {
    throw new Refused('no JSON');
  }
  must(isCharge(content) || isRefund(content), 'the shape of the content');
  must(canonical(content) === event.content, 'not canonical');
  return content;
}

function one(event) {
  const content = read(event);
  if (content.type === 'charge') checkCharge(content);
  else checkRefund(content);
  return content;
}

const isSameTerm = (a, b) => a.fee_sats === b.fee_sats && a.term.from === b.term.from && a.term.until === b.term.until;

/** May this charge come after `last`, the one before it of the same id? `running`: what of a bootstrap has not ended early. */
function mayFollow(c, last, running) {
  const { product, outcome } = c;
  if (product === 'job' && c.fee_sats === 0) {
    if (last === undefined || !['accepted', 'requoted'].includes(last.outcome)) return false;
    if (outcome === 'requoted') return last.outcome === 'accepted';
    return canonical([c.tariff, c.quote]) === canonical([last.tariff, last.quote]);
  }
  if (product === 'bootstrap' && outcome === 'renewed') {
    return running.length > 0 && running.at(-1).term.until <= c.term.from;
  }
  if (product === 'bootstrap' && outcome === 'ended_early' && c.payments.length === 0) {
    return running.some((sold) => isSameTerm(sold, c));
  }
  return last === undefined;
}

function chain(events) {
  const last = new Map();
  const terms = new Map();
  const what = new Map();
  const accounts = new Map();
  const came = new Set();
  const late = new Set();
  const left = new Set();
  const of = (key) => {
    if (!accounts.has(key)) accounts.set(key, { owed: 0, held: 0 });
    return accounts.get(key);
  };
  const named = (key, kind) => {
    must(!what.has(key) || what.get(key) === kind, 'an id of two kinds');
    what.set(key, kind);
  };
  const draw = (d) => {
    if (d.payment_hash !== null) {
      must(!left.has(d.payment_hash), 'a refund as a payment');
      late.add(d.payment_hash);
      return;
    }
    must(of(d.id).owed >= d.amount_sats, 'a debt that nobody owes');
    of(d.id).owed -= d.amount_sats;
  };
  events.forEach((event, n) => {
    const before = n === 0 ? null : events[n - 1];
    const c = one(event);
    must(c.previous === (before === null ? null : before.id), 'links');
    if (before !== null) {
      must(event.pubkey === before.pubkey && event.tags[0][1] === before.tags[0][1], 'signer or customer');
      must(event.created_at >= before.created_at, 'dates');
    }
    if (c.type === 'refund') {
      c.debts.forEach(draw);
      must(!left.has(c.payment_hash) && !came.has(c.payment_hash) && !late.has(c.payment_hash), 'hash of a refund');
      left.add(c.payment_hash);
      return;
    }
    if (c.outcome !== 'ended') {
      const running = terms.get(c.id) ?? [];
      must(mayFollow(c, last.get(c.id), running), 'an order charged again, or out of turn');
      if (c.product === 'bootstrap' && ['complete', 'renewed'].includes(c.outcome)) terms.set(c.id, [...running, c]);
      else if (c.product === 'bootstrap' && c.outcome === 'ended_early') {
        const sold = running.find((one) => isSameTerm(one, c));
        terms.set(
          c.id,
          running.filter((one) => one !== sold),
        );
      }
      named(c.id, c.product === 'session' ? 'request' : c.product);
      last.set(c.id, c);
    }
    if (c.session !== null) named(c.session, c.balance_before_sats === null ? "another's session" : 'session');
    for (const p of c.payments) {
      if (p.payment_hash === null) p.debts.forEach(draw);
      else {
        must(!came.has(p.payment_hash) && !left.has(p.payment_hash), 'hash of a payment');
        came.add(p.payment_hash);
      }
    }
    if (c.session !== null && c.balance_before_sats === null) return;
    const account = of(c.session ?? c.id);
    account.owed += c.bill.owed_sats;
    if (c.session === null) return;
    must(c.balance_before_sats === account.held + sum(c.payments) - c.spent_by_token_sats, 'balance');
    account.held = c.bill.balance_after_sats;
  });
}

function verdict(check) {
  try {
    check();
    return null;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

/** Why this is no true receipt; null: it is one. */
export const refusalOf = (event) => verdict(() => one(event));
/** Why these are no true chain, oldest first; null: they are one. */
export const refusalOfChain = (events) => verdict(() => chain(events));
