import { statfsSync } from 'node:fs';
import type { Settings } from '../config/index.ts';
import { daemonOf, dataDir, readFact, type Reader } from '../db/index.ts';
import { recentOutages, type Outage } from '../downtime/index.ts';
import type { UnixSeconds } from '../lib/units.ts';
import { relayStates, waitingAnswers, type RelayStateRow, type WaitingAnswers } from '../messaging/index.ts';
import { deadTasks } from '../tasks/index.ts';
import { when } from './reading.ts';

/** How the daemon of this directory is, as far as it can be seen from beside. Times in unix seconds. */
export interface Health {
  /** Its process id; null: it does not run. */
  readonly pid: number | null;
  readonly startedAt: number | null;
  /** Its last sign of life. */
  readonly aliveAt: number | null;
  readonly relays: readonly RelayStateRow[];
  readonly answers: WaitingAnswers;
  readonly dead: Readonly<Record<string, number>>;
  readonly outages: readonly Outage[];
  readonly diskFreeMb: number;
}

/** A sign of life is written every 15 s: after so long none, it hangs. Seconds. */
const HANGS_AFTER = 60;
/** A relay that is away for longer is told, though others are there. Seconds. */
const RELAY_MISSED_AFTER = 600;
const ANSWER_STUCK_AFTER = 3600;

export function healthOf(reader: Reader, settings: Settings): Health {
  const dir = dataDir(settings.TIMMY_DATA_DIR);
  const date = (name: 'started_at' | 'last_alive'): number | null => {
    const kept = readFact(reader, name);
    return kept === null ? null : Number(kept);
  };
  const { bavail, bsize } = statfsSync(dir.path);
  return {
    pid: daemonOf(dir),
    startedAt: date('started_at'),
    aliveAt: date('last_alive'),
    relays: relayStates(reader),
    answers: waitingAnswers(reader),
    dead: deadTasks(reader),
    outages: recentOutages(reader, 3),
    diskFreeMb: Math.floor((bavail * bsize) / 1e6),
  };
}

/** What is wrong with a daemon that runs, in words with the mend; empty: healthy. */
export function problemsOf(health: Health, now: UnixSeconds): string[] {
  const { pid, aliveAt, answers, dead } = health;
  // Of a daemon that does not run, its relays and signs of life say nothing.
  const relays = pid === null ? [] : health.relays;
  const problems: string[] = [];
  if (pid !== null && aliveAt !== null && now - aliveAt > HANGS_AFTER)
    problems.push(`It gives no sign of life since ${when(aliveAt)}: restart it (systemctl restart timmy)`);
  const lost = relays.filter(({ state }) => state === 'lost');
  if (relays.length > 0 && lost.length === relays.length)
    problems.push('No relay is connected: nobody can reach it. See the network, and TIMMY_RELAYS');
  else
    for (const { url, since } of lost)
      if (now - since > RELAY_MISSED_AFTER) problems.push(`${url} is away since ${when(since)}`);
  if (answers.oldestPaidAt !== null && now - answers.oldestPaidAt > ANSWER_STUCK_AFTER)
    problems.push(`Paid answers that no relay takes: ${answers.paid}, the oldest of ${when(answers.oldestPaidAt)}`);
  for (const [kind, n] of Object.entries(dead))
    problems.push(
      `${n} ${kind} set aside after too many failures: see the log; timmy ledger explain, timmy ledger mend`,
    );
  return problems;
}

export function runningWords({ pid, startedAt, aliveAt }: Health): string {
  if (pid !== null) return `yes, process ${pid}, since ${when(startedAt)}`;
  return aliveAt === null ? 'NO' : `NO, last seen ${when(aliveAt)}. Start it: timmy start, or systemctl start timmy`;
}

/** A line for each relay that is read. Of a daemon that does not run, nothing is known. */
export function relayWords({ pid, relays }: Health): string[] {
  if (pid === null) return [];
  return relays.map(
    ({ url, state, since }) => `${url} ${state === 'subscribed' ? 'read' : 'AWAY'} since ${when(since)}`,
  );
}

export function answerWords({ answers }: Health): string {
  const { messages, paid, undeliverable, why } = answers;
  if (messages === 0) return 'none wait';
  const reasons = Object.entries(why).map(([reason, n]) => `${reason} ${n}`);
  const which =
    paid === 0 ? '' : `, of them ${paid} paid for${undeliverable > 0 ? `, ${undeliverable} that no way takes` : ''}`;
  return `${messages} on their way${which}${reasons.length > 0 ? ` (${reasons.join(', ')})` : ''}`;
}
