/** What goes wrong with one request. `ran` says whether LNbits handled it. */
export type Fault =
  /** The connection is cut before anything is done. Not ran. */
  | { readonly kind: 'reset_before' }
  /** Handled, then the connection is cut: the answer is lost. Ran. */
  | { readonly kind: 'reset_after' }
  /** Handled after `ms` of the fake's time. Ran. */
  | { readonly kind: 'stall'; readonly ms: number }
  /**
   * Never answered. `runAfterMs` null: not ran; else it runs that much later, behind the lock. `before_next`: it runs
   * when the next request of its kind comes, just before that one.
   */
  | { readonly kind: 'silence'; readonly runAfterMs: number | null | 'before_next' }
  /** Handled, then answered with something else. Ran. */
  | { readonly kind: 'garble'; readonly as: 'html_502' | 'truncated' | 'html_200' | 'empty' | 'wrong_shape' }
  /** Answered by somebody in front of LNbits. Not ran. */
  | {
      readonly kind: 'instead';
      readonly status: number;
      readonly body: string;
      readonly headers?: Record<string, string>;
    };

/** Which requests are meant, by what they are and not by when they come. */
export interface RequestMatch {
  readonly method?: string;
  /** Tested against the path without its query. */
  readonly path: RegExp;
  /** Tested against the body as it was sent. */
  readonly body?: RegExp;
}

export interface FaultRule extends RequestMatch {
  /** Which matching request it hits first: 1 = the next one. */
  readonly nth?: number;
  /** How many in a row; default 1. */
  readonly times?: number;
  /** It begins with the first request of this kind, which counts if it matches as well. */
  readonly since?: RequestMatch;
  readonly fault: Fault;
}

const PAYMENTS = { method: 'POST', path: /^\/api\/v1\/payments$/ } as const;

/** The requests of a client of wallets. */
export const requests = {
  /** An invoice is posted to be paid. */
  pay: { ...PAYMENTS, body: /"out":\s*true/ },
  /** An invoice of our own is asked for. */
  create: { ...PAYMENTS, body: /"out":\s*false/ },
  /** Either of them. */
  post: PAYMENTS,
  /** One payment is looked at. */
  look: { method: 'GET', path: /^\/api\/v1\/payments\/[0-9a-f]{64}$/ },
  lookAt: (paymentHash: string): RequestMatch => ({
    method: 'GET',
    path: new RegExp(`^/api/v1/payments/${paymentHash}$`),
  }),
  wallet: { method: 'GET', path: /^\/api\/v1\/wallet$/ },
  list: { method: 'GET', path: /^\/api\/v1\/payments(\/paginated)?$/ },
  any: { path: /^/ },
} as const;

/** 500 as LNbits words an unhandled error; it happens before anything is done. */
export const unexpectedError: Fault = {
  kind: 'instead',
  status: 500,
  body: '{"detail":"Unexpected error! ID: 0badf00d"}',
};

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** The faults that are switched on, in the order in which they were. */
export class Faults {
  #rules: { rule: FaultRule; begun: boolean; seen: number }[] = [];
  #anyhow: ((request: Asked) => Fault | null) | null = null;

  add(rule: FaultRule): void {
    this.#rules.push({ rule, begun: rule.since === undefined, seen: 0 });
  }

  /** Asked about every request that no rule hits. */
  otherwise(choose: (request: Asked) => Fault | null): void {
    this.#anyhow = choose;
  }

  clear(): void {
    this.#rules = [];
    this.#anyhow = null;
  }

  /** The fault of this request, if any; counts it. */
  next(request: Asked): Fault | null {
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (rule.since !== undefined && matches(rule.since, request)) entry.begun = true;
      if (!entry.begun || !matches(rule, request)) continue;
      entry.seen += 1;
      const first = rule.nth ?? 1;
      if (entry.seen >= first && entry.seen < first + (rule.times ?? 1)) return rule.fault;
    }
    return this.#anyhow?.(request) ?? null;
  }
}

function matches(match: RequestMatch, { method, path, body }: Asked): boolean {
  return (
    (match.method === undefined || match.method === method) &&
    match.path.test(path) &&
    (match.body === undefined || match.body.test(body))
  );
}
