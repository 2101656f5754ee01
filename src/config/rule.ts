import type { SettingName, Settings } from './fragments.ts';

/** Something that concerns several settings: what is wrong and how to mend it, or null. */
export interface Rule {
  /** A rule is silent while one of these is malformed: that is said already. */
  readonly reads: readonly SettingName[];
  readonly check: (settings: Settings) => string | null;
}

export function rule<const N extends SettingName>(
  reads: readonly N[],
  check: (settings: Pick<Settings, N>) => string | null,
): Rule {
  return { reads, check };
}
