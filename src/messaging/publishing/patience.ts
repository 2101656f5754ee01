const HOUR = 3600;
const DAY = 86_400;

/** Why a relay has not taken a message: its own word, or ours where it said nothing. */
export interface Failure {
  readonly why: string;
  /** How often it was tried, this time included. */
  readonly tries: number;
  /** Seconds since the message was made. */
  readonly age: number;
  readonly isPaid: boolean;
  /** The relay has taken something of ours before. */
  readonly isGood: boolean;
}

/** No connection, no answer: the relay may be back at any moment, and then it should have what waits for it. */
const AWAY: ReadonlySet<string> = new Set(['unreachable', 'silent', 'error', 'lost']);

/** Whoever is away is looked for so often that what waits is there within five seconds of its return. Seconds. */
const LOOK_EVERY = 4;
const UNPAID_WAITS = [4, 4, 8, 15, 30, 60, 120, 600];
/** A relay that said no is asked again, often at first: "blocked" for five seconds is no reason to wait a minute. */
const REFUSED_WAITS: readonly (readonly [youngerThan: number, wait: number])[] = [
  [120, 4],
  [600, 15],
  [HOUR, 60],
];

/** Seconds until this relay is tried again with this message. */
export function nextTryIn({ why, tries, age, isPaid, isGood }: Failure): number {
  if (!AWAY.has(why)) {
    const wait = REFUSED_WAITS.find(([youngerThan]) => age < youngerThan)?.[1] ?? HOUR;
    return isPaid || age < 30 ? wait : Math.max(wait, UNPAID_WAITS[tries - 1] ?? HOUR);
  }
  if (isPaid || isGood) return age < HOUR ? LOOK_EVERY : age < DAY ? 60 : 600;
  return UNPAID_WAITS[tries - 1] ?? HOUR;
}

/** Seconds after which a message is not offered to a relay any more that does not take it. */
export function giveUpAfter(about: { isPaid: boolean; isDelivered: boolean }): number {
  // Somebody else has it: this relay is a second copy.
  if (about.isDelivered) return about.isPaid ? DAY : HOUR;
  return about.isPaid ? 7 * DAY : DAY;
}
