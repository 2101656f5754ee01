import { z } from 'zod';
import { Secret } from '../lib/secret.ts';
import type { Setting } from './setting.ts';

/** An exact, non-negative decimal number as text ("0.0008"): money is never read into a float. */
export type Decimal = string;

interface Common {
  readonly about: string;
  readonly environmentOnly?: boolean;
}

/** With a default the value is always there; without one it may be undefined. */
type Given<T, O> = O extends { readonly default: unknown } ? T : T | undefined;

/** A whole number from `min` to `max` (both included). */
export function int(o: Common & { default: number; unit: string; min: number; max: number }): Setting<number> {
  const schema = z
    .string()
    .regex(/^-?\d{1,15}$/)
    .transform(Number)
    .refine((n) => n >= o.min && n <= o.max);
  const expected = `a whole number from ${o.min} to ${o.max} (${o.unit})`;
  return build<number>({ form: 'number', schema, expected, unit: o.unit, absent: o.default }, o, String(o.default));
}

/** An exact decimal ≥ 0 with at most nine digits before the point and twelve behind it. */
export function decimal(o: Common & { default: Decimal; unit: string; positive?: boolean }): Setting<Decimal> {
  const schema = z
    .string()
    .regex(/^\d{1,9}(\.\d{1,12})?$/)
    .refine((text) => o.positive !== true || /[1-9]/.test(text));
  const expected = `${o.positive === true ? 'a positive decimal number' : 'a decimal number'} like "0.0008" (${o.unit})`;
  return build<Decimal>({ form: 'text', schema, expected, unit: o.unit, absent: o.default }, o, o.default);
}

/** Free text on one line, of at most `max` characters. `form`: the form it must have, and that form in words. */
export function text<
  const O extends Common & {
    default?: string;
    max: number;
    form?: { readonly good: (written: string) => boolean; readonly words: string };
  },
>(o: O): Setting<Given<string, O>> {
  const schema = z
    .string()
    .max(o.max)
    // eslint-disable-next-line no-control-regex -- exactly the control characters are refused
    .regex(/^[^\u0000-\u001f\u007f]*$/)
    .refine((written) => o.form === undefined || o.form.good(written));
  return given(o, schema, 'text', o.form?.words ?? `one line of at most ${o.max} characters`);
}

/** One word of a fixed set. */
export function choice<const W extends string, const O extends Common & { words: readonly W[]; default?: W }>(
  o: O & { words: readonly W[] },
): Setting<Given<O['words'][number], O>> {
  return given(o, z.enum(o.words as readonly O['words'][number][]), 'text', `one of ${o.words.join(', ')}`);
}

/** On or off; off unless set. */
export function flag(o: Common): Setting<boolean> {
  const schema = z.enum(['1', '0', 'true', 'false']).transform((word) => word === '1' || word === 'true');
  return build<boolean>({ form: 'flag', schema, expected: '1 or 0', absent: false }, o, 'false');
}

/** An http(s) URL without credentials; the trailing slash is dropped. `query`: it may have one. */
export function httpUrl<
  const O extends Common & { default?: string; query?: boolean; notEnding?: string; aliases?: readonly string[] },
>(o: O): Setting<Given<string, O>> {
  const tail = o.notEnding === undefined ? '' : `, without ${o.notEnding} at the end`;
  const schema = z
    .string()
    .max(2000)
    .transform((written) => (o.query === true ? written : written.replace(/\/+$/, '')))
    .refine((written) => {
      const url = URL.canParse(written) ? new URL(written) : null;
      if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return false;
      if (url.hash !== '' || (o.query !== true && url.search !== '')) return false;
      return o.notEnding === undefined || !new RegExp(`${o.notEnding}(/v\\d+)?$`).test(url.pathname);
    });
  return given(o, schema, 'text', `an http:// or https:// URL${tail}`);
}

/** A file or directory; relative ones count from the working directory (made absolute by the loader). */
export function path<const O extends Common & { default?: string }>(o: O): Setting<Given<string, O>> {
  return given(o, z.string().max(4096), 'path', 'a path');
}

/** A comma-separated list (in TOML an array) of what `item` reads; `items` says what they are. Doubles are dropped. */
export function list(
  o: Common & { default: readonly string[]; item: z.ZodType<string, string>; items: string; max: number },
): Setting<readonly string[]> {
  const schema = z
    .string()
    .transform((written) =>
      written
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(o.item).max(o.max))
    .transform((items): readonly string[] => [...new Set(items)]);
  const expected = `a comma-separated list of at most ${o.max} ${o.items}`;
  const absent = schema.parse(o.default.join(','));
  return build<readonly string[]>({ form: 'list', schema, expected, absent }, o, o.default.join(','));
}

/** Something to be kept from every log: wrapped at once, never repeated in a problem. */
export function secret(
  o: Common & {
    expected: string;
    good?: (written: string) => boolean;
    aliases?: readonly string[];
    credential?: string;
    fileSetting?: string;
  },
): Setting<Secret | undefined> {
  const schema = z
    .string()
    .max(4096)
    .refine(o.good ?? ((written) => !/\s/.test(written)))
    .transform((written) => new Secret(written));
  return build<Secret | undefined>({ form: 'secret', schema, expected: o.expected, absent: undefined }, o);
}

type Rest = Common & { aliases?: readonly string[]; credential?: string; fileSetting?: string };
type Core<T> = Pick<Setting<T>, 'form' | 'schema' | 'expected' | 'absent' | 'unit'>;

function build<T>(core: Core<T>, o: Rest, defaultText?: string): Setting<T> {
  return {
    ...core,
    about: o.about,
    ...(defaultText !== undefined && { defaultText }),
    ...(o.environmentOnly !== undefined && { environmentOnly: o.environmentOnly }),
    ...(o.aliases !== undefined && { aliases: o.aliases }),
    ...(o.credential !== undefined && { credential: o.credential }),
    ...(o.fileSetting !== undefined && { fileSetting: o.fileSetting }),
  };
}

/** A setting whose type admits `undefined` exactly when its options name no default. */
function given<T extends string, const O extends Rest & { default?: string }>(
  o: O,
  schema: z.ZodType<T, string>,
  form: Setting<unknown>['form'],
  expected: string,
): Setting<Given<T, O>> {
  const absent = o.default === undefined ? undefined : schema.parse(o.default);
  return build({ form, schema, expected, absent } as unknown as Core<Given<T, O>>, o, o.default);
}
