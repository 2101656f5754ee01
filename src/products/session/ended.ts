import { statement, type Reader, type Tx } from '../../db/index.ts';
import { mayTell } from '../../customers/index.ts';
import { sats, type Sats, type UnixSeconds } from '../../lib/units.ts';
import { debtsOf } from '../../payments/index.ts';
import type { Session } from './states.ts';
import { sessionsOfOwner } from './store.ts';

export interface Ended {
  readonly session: Session;
  readonly owedSats: Sats;
}

/** The session whose rest is still owed to this customer, where they were not asked about it yet. */
export function endedWithMoney(reader: Reader, owner: string): Ended | undefined {
  const [last] = sessionsOfOwner(reader, owner, 1);
  if (last === undefined || (last.state !== 'expired' && last.state !== 'closed')) return undefined;
  const owed = debtsOf(reader, last.id).filter(({ state }) => state === 'owed');
  const owedSats = sats(Math.floor(owed.reduce((sum, { amountMsats }) => sum + amountMsats, 0) / 1000));
  const asked = 'SELECT 1 FROM told WHERE pubkey = ? AND what = ?';
  if (owedSats === 0 || statement(reader, asked).get(owner, askedAbout(last)) !== undefined) return undefined;
  return { session: last, owedSats };
}

/** Noted as said: from then on their words are sold as ever. */
export function noteAsked(tx: Tx, { session }: Ended, now: UnixSeconds): void {
  mayTell(tx, session.owner, askedAbout(session), 0, now);
}

const askedAbout = ({ id }: Session): string => `ended:${id}`;
