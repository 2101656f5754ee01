/** The tag of every droplet of ours, whoever's it is. */
export const NODE_TAG = 'timmy-node';
/** What everything of ours at a cloud is called begins so. */
export const NAME_PREFIX = 'timmy-';

/** "timmy-b4kq7m-1": what an order's things are called at the clouds, attempt by attempt. */
export function cloudName(orderId: string, attempt: number): string {
  return `${NAME_PREFIX}${plain(orderId)}-${attempt}`;
}

/** "timmy-order-b4kq7m": on every droplet and volume of an order. */
export function orderTag(orderId: string): string {
  return `${NAME_PREFIX}order-${plain(orderId)}`;
}

export function tagsOf(orderId: string): readonly string[] {
  return ['timmy', NODE_TAG, orderTag(orderId)];
}

/** The order that a thing is called after; null: it is not one of ours. */
export function orderOfName(name: string): { readonly orderId: string; readonly attempt: number } | null {
  const match = /^timmy-([a-z])([0-9a-z]{5})-([1-9])$/.exec(name);
  if (match === null) return null;
  return { orderId: `${match[1]?.toUpperCase()}-${match[2]?.toUpperCase()}`, attempt: Number(match[3]) };
}

function plain(orderId: string): string {
  return orderId.replace('-', '').toLowerCase();
}
