import { invalid, paymentJson, tagOf, type Answer } from './answers.ts';
import type { FakeWallet, Row } from './books.ts';
import { refresh, type World } from './payments.ts';

const SORTABLE = new Set(['time', 'amount', 'fee', 'memo', 'created_at', 'updated_at']);
const COLUMNS: Record<string, (row: Row) => string | number> = {
  status: (row) => row.status,
  tag: (row) => tagOf(row) ?? '',
  checking_id: (row) => row.checkingId,
  payment_hash: (row) => row.paymentHash,
  wallet_id: (row) => row.walletId,
  memo: (row) => row.memo,
  preimage: (row) => row.preimage ?? '',
  amount: (row) => row.amount,
  fee: (row) => row.fee,
  time: (row) => row.time,
  created_at: (row) => row.time,
  updated_at: (row) => row.updatedAt,
};

/** `GET /payments` and `/payments/paginated`: what is not understood is ignored, and everything comes back. */
export async function listPayments(
  world: World,
  wallet: FakeWallet,
  query: URLSearchParams,
  paginated: boolean,
): Promise<Answer> {
  const limit = query.has('limit') ? Number(query.get('limit')) : 10;
  const offset = Number(query.get('offset') ?? 0);
  if (!Number.isInteger(limit) || !Number.isInteger(offset)) return invalid('limit', 'value is not a valid integer');
  const direction = query.get('direction') ?? (paginated ? 'asc' : 'desc');
  if (direction !== 'asc' && direction !== 'desc') return invalid('direction', 'unexpected value');
  const sortBy = query.get('sortby') ?? (paginated ? null : 'time');
  if (sortBy !== null && !SORTABLE.has(sortBy)) return invalid('sortby', 'Invalid sort field');

  let rows = world.books.rows.filter((row) => row.walletId === world.books.sourceOf(wallet));
  if (!paginated) rows = rows.filter((row) => row.status !== 'failed');
  for (const [field, tests] of conditions(world, query)) {
    const column = COLUMNS[field] ?? ((row: Row) => row.externalId ?? '');
    rows = rows.filter((row) => tests.some((passes) => passes(column(row))));
  }
  const search = query.get('search')?.toLowerCase();
  if (search !== undefined) {
    rows = rows.filter((row) =>
      `${row.memo} ${row.amount} ${row.status} ${tagOf(row) ?? ''}`.toLowerCase().includes(search),
    );
  }
  if (sortBy !== null) {
    const column = COLUMNS[sortBy] ?? (() => 0);
    const sign = direction === 'asc' ? 1 : -1;
    rows = rows
      .map((row, index) => ({ row, index }))
      .sort(
        (a, b) => (column(a.row) === column(b.row) ? a.index - b.index : column(a.row) < column(b.row) ? -1 : 1) * sign,
      )
      .map(({ row }) => row);
  }
  const zero = world.profile === '1.6' ? 1000 : 10;
  const size = limit < 0 ? rows.length : Math.min(limit === 0 ? zero : limit, 1000);
  const page = rows.slice(offset, offset + size);
  if (paginated && query.get('recheck_pending') === 'true') {
    for (const row of page) await refresh(world, row).catch(() => undefined);
  }
  const data = page.map((row) => paymentJson(row, world.profile, false));
  return { status: 200, body: paginated ? { data, total: page.length === 0 ? 0 : rows.length } : data };
}

type Test = (value: string | number) => boolean;

function conditions(world: World, query: URLSearchParams): Map<string, Test[]> {
  const found = new Map<string, Test[]>();
  for (const [name, wanted] of query) {
    const parts = /^(\w+)(?:\[(\w+)\])?$/.exec(name);
    const field = parts?.[1] ?? '';
    const known = field in COLUMNS || (field === 'external_id' && world.profile === '1.6');
    const test = known ? condition(parts?.[2] ?? 'eq', wanted, ['amount', 'fee', 'time'].includes(field)) : null;
    if (test !== null) found.set(field, [...(found.get(field) ?? []), test]);
  }
  return found;
}

function condition(operator: string, wanted: string, numeric: boolean): Test | null {
  const value = numeric ? (/^-?\d+(\.\d+)?$/.test(wanted) ? Number(wanted) : Date.parse(wanted) / 1000) : wanted;
  if (typeof value === 'number' && Number.isNaN(value)) return null;
  switch (operator) {
    case 'eq':
      return (actual) => actual === value;
    case 'ne':
      return (actual) => actual !== value;
    case 'gt':
      return (actual) => actual > value;
    case 'ge':
      return (actual) => actual >= value;
    case 'lt':
      return (actual) => actual < value;
    case 'le':
      return (actual) => actual <= value;
    case 'like':
      return (actual) => String(actual).toLowerCase().includes(String(value).toLowerCase());
    case 'in':
      return (actual) => String(value).split(',').includes(String(actual));
    default:
      return null;
  }
}
