import { statement, type Reader, type Tx } from '../../db/index.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import type { CloudVolume, Droplet } from '../../ports/cloud.ts';
import type { NodeOrder } from './states.ts';

/** What costs while it exists. Prices in millionths of a USD. */
export interface Rental {
  readonly resource: string;
  readonly kind: 'droplet' | 'volume';
  readonly orderId: string;
  readonly name: string;
  readonly region: string;
  readonly size: string;
  readonly hourlyUsdMicros: number;
  readonly monthlyUsdMicros: number;
  readonly fromAt: number;
  readonly goneAt: number | null;
}

const HOUR = 3600;
/** Clouds bill by the hour, and a month's price at most: it is 28 days of hours (docs.digitalocean.com, billing). */
const MONTH_HOURS = 672;

/** A GB of volume a month (0.10 USD; the cloud's API tells no price of volumes). */
export const VOLUME_GB_MONTH_MICROS = 100_000;

/** Of a volume, an hour: a month has 672 of them. Rounded up. */
export function volumeHourMicros(sizeGb: number): number {
  return Math.ceil((sizeGb * VOLUME_GB_MONTH_MICROS) / MONTH_HOURS);
}

const COLUMNS = `resource, kind, order_id AS orderId, name, region, size, hourly_usd_micros AS hourlyUsdMicros,
  monthly_usd_micros AS monthlyUsdMicros, from_at AS fromAt, gone_at AS goneAt`;

/** It exists at the cloud, and bills from now on. Once for each thing. */
function beginRental(tx: Tx, rental: Omit<Rental, 'goneAt'> & { readonly isStub: boolean }): void {
  statement(
    tx,
    `INSERT INTO cloud_rentals (resource, kind, order_id, name, region, size, hourly_usd_micros, monthly_usd_micros, from_at, is_stub)
     VALUES (@resource, @kind, @orderId, @name, @region, @size, @hourlyUsdMicros, @monthlyUsdMicros, @fromAt, @stub)
     ON CONFLICT (resource) DO NOTHING`,
  ).run({ ...rental, isStub: null, stub: rental.isStub ? 1 : 0 });
}

/** A droplet of this order exists: it bills. `as`: under this name in the books. */
export function rentDroplet(
  tx: Tx,
  { id, offer }: Pick<NodeOrder, 'id' | 'offer'>,
  droplet: Droplet,
  as: string,
  now: UnixSeconds,
): void {
  beginRental(tx, {
    resource: `droplet:${droplet.id}`,
    kind: 'droplet',
    orderId: id,
    name: as,
    region: droplet.region,
    size: droplet.size,
    hourlyUsdMicros: offer.hourlyUsdMicros - volumeHourMicros(offer.volumeGb),
    monthlyUsdMicros: offer.monthlyUsdMicros - offer.volumeGb * VOLUME_GB_MONTH_MICROS,
    fromAt: Math.min(droplet.createdAt, now),
    isStub: offer.isStub,
  });
}

/** A second droplet for one fee, or one whose making was not answered: it bills as well, and its books say so. */
export function rentSpare(tx: Tx, node: Pick<NodeOrder, 'id' | 'offer'>, droplet: Droplet, now: UnixSeconds): void {
  rentDroplet(tx, node, droplet, `${droplet.name} (spare)`, now);
}

/** A volume of this order exists: it bills. */
export function rentVolume(
  tx: Tx,
  { id, offer }: Pick<NodeOrder, 'id' | 'offer'>,
  { id: volumeId, name, region, sizeGb }: Pick<CloudVolume, 'id' | 'name' | 'region' | 'sizeGb'>,
  now: UnixSeconds,
): void {
  beginRental(tx, {
    resource: `volume:${volumeId}`,
    kind: 'volume',
    orderId: id,
    name,
    region,
    size: `${sizeGb} GB`,
    hourlyUsdMicros: volumeHourMicros(sizeGb),
    monthlyUsdMicros: sizeGb * VOLUME_GB_MONTH_MICROS,
    fromAt: now,
    isStub: offer.isStub,
  });
}

/** The cloud said that it is gone. */
export function endRental(tx: Tx, resource: string, at: UnixSeconds): void {
  statement(tx, 'UPDATE cloud_rentals SET gone_at = max(from_at, ?) WHERE resource = ? AND gone_at IS NULL').run(
    at,
    resource,
  );
}

export function rentalsOf(reader: Reader, orderId: string): Rental[] {
  return statement(reader, `SELECT ${COLUMNS} FROM cloud_rentals WHERE order_id = ? ORDER BY from_at, resource`).all(
    orderId,
  ) as Rental[];
}

/** What bills now. */
export function liveRentals(reader: Reader): Rental[] {
  return statement(
    reader,
    `SELECT ${COLUMNS} FROM cloud_rentals WHERE gone_at IS NULL ORDER BY from_at, resource`,
  ).all() as Rental[];
}

/** What a thing has cost by `now`, in millionths of a USD: hours begun, and of each 28 days no more than a month's price. */
export function rentalCost(
  {
    fromAt,
    goneAt,
    hourlyUsdMicros,
    monthlyUsdMicros,
  }: Pick<Rental, 'fromAt' | 'goneAt' | 'hourlyUsdMicros' | 'monthlyUsdMicros'>,
  now: UnixSeconds,
): bigint {
  const hours = Math.ceil(Math.max(0, (goneAt ?? now) - fromAt) / HOUR);
  const months = Math.floor(hours / MONTH_HOURS);
  const rest = BigInt(hours - months * MONTH_HOURS) * BigInt(hourlyUsdMicros);
  const month = BigInt(monthlyUsdMicros);
  return BigInt(months) * month + (rest < month || month === 0n ? rest : month);
}

/** "12.34" of millionths; cents rounded up. */
export function showMicros(micros: bigint | number): string {
  const cents = (BigInt(micros) + 9_999n) / 10_000n;
  return `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
}

/** A decimal of USD ("0.07143") in millionths, rounded up: a cost is never made smaller. */
export function usdMicros(decimal: string): number {
  const [whole = '0', places = ''] = decimal.split('.');
  const micros = Number(whole) * 1_000_000 + Number(places.slice(0, 6).padEnd(6, '0'));
  return micros + (/[1-9]/.test(places.slice(6)) ? 1 : 0);
}
