/**
 * How the node treats one payment. `answer` is what it tells LNbits, `truth` what really becomes of the payment and
 * when (seconds of the fake's clock after the call; null: not before `resolve`).
 */
export interface PayScript {
  readonly answer: 'ok' | 'fail' | 'unknown' | 'in_flight' | 'crash';
  readonly truth: 'paid' | 'failed' | 'never';
  readonly truthAfterSeconds: number | null;
  /** Milliseconds until the answer: beyond LNbits' wait time it answers pending first. */
  readonly answerAfterMs: number;
  /** The routing fee charged, msats. LNbits' reserve is only a wish: this may be more. */
  readonly feeMsats: number;
  readonly preimage: 'right' | 'null' | 'zeros' | 'wrong';
  /** The node has an id of its own for it, by which LNbits 1.6 calls it from then on. */
  readonly ownId?: string;
}

const ok: PayScript = {
  answer: 'ok',
  truth: 'paid',
  truthAfterSeconds: 0,
  answerAfterMs: 0,
  feeMsats: 0,
  preimage: 'right',
};

/** The usual stories. */
export const scripts = {
  ok,
  fail: { ...ok, answer: 'fail', truth: 'failed' },
  unknownThenPaid: { ...ok, answer: 'unknown', truthAfterSeconds: null },
  unknownThenFailed: { ...ok, answer: 'unknown', truth: 'failed', truthAfterSeconds: null },
  /** Nobody ever learns: the node has no record of it. */
  never: { ...ok, answer: 'unknown', truth: 'never', truthAfterSeconds: null },
  inFlight: (seconds: number, truth: 'paid' | 'failed' = 'paid'): PayScript => ({
    ...ok,
    answer: 'in_flight',
    truth,
    truthAfterSeconds: seconds,
  }),
  crash: (truth: 'paid' | 'failed' = 'paid'): PayScript => ({ ...ok, answer: 'crash', truth, truthAfterSeconds: null }),
  slow: (ms: number, truth: 'paid' | 'failed' = 'paid'): PayScript => ({
    ...ok,
    answer: truth === 'paid' ? 'ok' : 'fail',
    truth,
    answerAfterMs: ms,
  }),
  /** What LNbits' FakeWallet does with every invoice that is not internal. */
  onlyInternal: { ...ok, answer: 'fail', truth: 'never', truthAfterSeconds: null },
} satisfies Record<string, PayScript | ((...args: never[]) => PayScript)>;
