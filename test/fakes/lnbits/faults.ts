/** What goes wrong with one request (fidelity A14, E21–E24). `ran` says whether LNbits handled it. */
export type Fault =
  /** The connection is cut before the request is read. Not ran. */
  | { readonly kind: 'reset_before' }
  /** Handled, then the connection is cut: the answer is lost. Ran. */
  | { readonly kind: 'reset_after' }
  /** Handled after `ms`. Ran. */
  | { readonly kind: 'stall'; readonly ms: number }
  /** Never answered. `runAfterMs` null: not ran; else it runs that much later, behind the lock. */
  | { readonly kind: 'silence'; readonly runAfterMs: number | null }
  /** Handled, then answered with something else. Ran. */
  | { readonly kind: 'garble'; readonly as: 'html_502' | 'truncated' | 'html_200' | 'empty' | 'wrong_shape' }
  /** Answered by somebody in front of LNbits. Not ran. */
  | {
      readonly kind: 'instead';
      readonly status: number;
      readonly body: string;
      readonly headers?: Record<string, string>;
    };

export interface FaultRule {
  readonly method?: string;
  /** Tested against the path without its query. */
  readonly path: RegExp;
  /** Which matching request it hits first: 1 = the next one. */
  readonly nth?: number;
  /** How many in a row; default 1. */
  readonly times?: number;
  readonly fault: Fault;
}

/** 500 as LNbits words an unhandled error; it happens before anything is done. */
export const unexpectedError: Fault = {
  kind: 'instead',
  status: 500,
  body: '{"detail":"Unexpected error! ID: 0badf00d"}',
};

/** The faults that are switched on, in the order in which they were. */
export class Faults {
  #rules: { rule: FaultRule; seen: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, seen: 0 });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The fault of this request, if any; counts it. */
  next(method: string, path: string): Fault | null {
    for (const entry of this.#rules) {
      const { rule } = entry;
      if ((rule.method !== undefined && rule.method !== method) || !rule.path.test(path)) continue;
      entry.seen += 1;
      const first = rule.nth ?? 1;
      if (entry.seen >= first && entry.seen < first + (rule.times ?? 1)) return rule.fault;
    }
    return null;
  }
}
