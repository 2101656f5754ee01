import { bootstrap } from './fragments/bootstrap.ts';
import { cloud } from './fragments/cloud.ts';
import { data } from './fragments/data.ts';
import { demo } from './fragments/demo.ts';
import { identity } from './fragments/identity.ts';
import { job } from './fragments/job.ts';
import { lightning } from './fragments/lightning.ts';
import { limits } from './fragments/limits.ts';
import { mode } from './fragments/mode.ts';
import { model } from './fragments/model.ts';
import { operator } from './fragments/operator.ts';
import { pricing } from './fragments/pricing.ts';
import { relays } from './fragments/relays.ts';
import { session } from './fragments/session.ts';
import type { Setting, ValueOf } from './setting.ts';

/** All settings by TOML section. To add a concern: its fragment, an import, a line here. */
export const fragments = {
  identity,
  relays,
  data,
  operator,
  lightning,
  model,
  pricing,
  job,
  demo,
  session,
  bootstrap,
  cloud,
  limits,
  mode,
};

type Fragments = (typeof fragments)[keyof typeof fragments];
/** The union of the fragments as one object type (an intersection: each fragment is a possible argument). */
type All = (Fragments extends infer F ? (F extends unknown ? (f: F) => void : never) : never) extends (
  f: infer A,
) => void
  ? A
  : never;

/** Every setting's name. */
export type SettingName = keyof All;

/**
 * All settings, flat, by environment name (`settings.EVAL_FEE_SATS`); what nothing sets has its default. Secrets are
 * `Secret`s, decimals exact text, paths absolute, relay URLs normalised, operators hex public keys.
 */
export type Settings = { readonly [K in Exclude<SettingName, 'LIGHTNING_NETWORK'>]: ValueOf<All[K]> } & {
  /** Derived from the wallet where it is not set. */
  readonly LIGHTNING_NETWORK: NonNullable<ValueOf<All['LIGHTNING_NETWORK']>>;
};

export interface Listed {
  readonly name: SettingName;
  readonly section: keyof typeof fragments;
  readonly setting: Setting<unknown>;
}

/** Every setting with its section, in the order of the file. */
export const listed: readonly Listed[] = Object.entries(fragments).flatMap(([section, fragment]) =>
  Object.entries(fragment).map(([name, setting]) => ({
    name: name as SettingName,
    section: section as Listed['section'],
    setting,
  })),
);
