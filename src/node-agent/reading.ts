/** Unknown JSON read by hand: the agent carries no schema library, its bundle travels in user_data. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object that `text` is in JSON, or null. */
export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function textOf(value: unknown, maxChars = 2_000): string | null {
  return typeof value === 'string' && value.length > 0 && value.length <= maxChars ? value : null;
}

/** A whole number in `min` … `max`, or null. */
export function wholeOf(value: unknown, min: number, max: number): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : null;
}

/** The texts of a list, at most `limit`; empty where it is none. */
export function textsOf(value: unknown, limit: number, maxChars = 2_000): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is string => textOf(item, maxChars) !== null).slice(0, limit);
}
