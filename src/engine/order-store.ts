import { statement, type Reader, type Tx } from '../db/index.ts';
import type { OrderBase } from './types.ts';

/** The rows of one kind of order: read as they were written, and saved by compare-and-set. */
export interface OrderStore<Order extends OrderBase> {
  readonly load: (reader: Reader, id: string) => Order | undefined;
  readonly insert: (tx: Tx, order: Order) => void;
  /** @throws when somebody else changed the row since it was loaded at `expectedSeq`. */
  readonly save: (tx: Tx, order: Order, expectedSeq: number) => void;
  readonly remove: (tx: Tx, order: Order) => void;
  /** Those of which this SQL holds (`WHERE …`, with its order and limit), and the first of them. */
  readonly all: (reader: Reader, where: string, ...values: readonly unknown[]) => Order[];
  readonly first: (reader: Reader, where: string, ...values: readonly unknown[]) => Order | undefined;
}

export interface OrderTable<Order> {
  /** As its `face` names them: the table has the columns that every product's has, and `details`. */
  readonly kind: string;
  readonly table: string;
  /** Fields of the order with a column of their own, by column. All others are in `details` (JSON). */
  readonly columns?: Readonly<Record<string, keyof Order & string>>;
  /** Columns that only repeat what `details` says, for an index. */
  readonly derived?: Readonly<Record<string, (order: Order) => unknown>>;
}

const COMMON: Readonly<Record<string, keyof OrderBase | 'createdAt' | 'updatedAt'>> = {
  id: 'id',
  seq: 'seq',
  state: 'state',
  owner: 'owner',
  dialect: 'dialect',
  created_at: 'createdAt',
  updated_at: 'updatedAt',
};

/** The store of a product whose rows are a few columns and the rest as JSON: the columns and the details together are one. */
export function createOrderStore<Order extends OrderBase>(of: OrderTable<Order>): OrderStore<Order> {
  const { kind, table } = of;
  const fields = Object.entries({ ...COMMON, ...of.columns });
  const derived = Object.entries(of.derived ?? {});
  const inColumns = new Set<string>(fields.map(([, field]) => field));
  const columns = [...fields.map(([column]) => column), 'details'];
  const written = [...columns, ...derived.map(([column]) => column)];
  const select = `SELECT ${columns.join(', ')} FROM ${table}`;
  const insertSql = `INSERT INTO ${table} (${written.join(', ')}) VALUES (${written.map(() => '?').join(', ')})`;
  const updateSql = `UPDATE ${table} SET ${written.map((column) => `${column} = ?`).join(', ')} WHERE id = ? AND seq = ?`;

  function read(row: unknown): Order {
    const columnsOf = row as Readonly<Record<string, unknown>>;
    const own = Object.fromEntries(fields.map(([column, field]) => [field, columnsOf[column]]));
    // Written by `valuesOf` alone, from an Order.
    return { ...(JSON.parse(String(columnsOf['details'])) as object), ...own } as unknown as Order;
  }

  function valuesOf(order: Order): unknown[] {
    const values = order as unknown as Readonly<Record<string, unknown>>;
    const details = Object.fromEntries(Object.entries(values).filter(([field]) => !inColumns.has(field)));
    return [
      ...fields.map(([, field]) => values[field]),
      JSON.stringify(details),
      ...derived.map(([, derive]) => derive(order)),
    ];
  }

  const first: OrderStore<Order>['first'] = (reader, where, ...values) => {
    const row = statement(reader, `${select} WHERE ${where}`).get(...values);
    return row === undefined ? undefined : read(row);
  };
  return {
    load: (reader, id) => first(reader, 'id = ?', id),
    insert: (tx, order) => void statement(tx, insertSql).run(...valuesOf(order)),
    save: (tx, order, expectedSeq) => {
      const { changes } = statement(tx, updateSql).run(...valuesOf(order), order.id, expectedSeq);
      if (changes !== 1) throw new Error(`${kind}.changed_meanwhile`);
    },
    remove: (tx, { id }) => void statement(tx, `DELETE FROM ${table} WHERE id = ?`).run(id),
    all: (reader, where, ...values) =>
      statement(reader, `${select} WHERE ${where}`)
        .all(...values)
        .map(read),
    first,
  };
}
