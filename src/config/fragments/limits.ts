import { int } from '../kinds.ts';

const count = (about: string, unit: string, value: number, max = 1_000_000, min = 1) =>
  int({ about, unit, default: value, min, max });

/** What a stranger can cost us at most. */
export const limits = {
  LIMIT_MESSAGE_CHARS: count('Longest message in words.', 'characters', 8000, 65_535, 100),
  LIMIT_RPC_BYTES: count('Longest JSON-RPC message.', 'bytes', 32_768, 65_535, 1000),
  LIMIT_COMMANDS_PER_SECOND: count('Commands of one npub, sustained.', 'per second', 1),
  LIMIT_COMMANDS_BURST: count('Commands of one npub at once.', 'commands', 10),
  LIMIT_OPEN_INVOICES: count('Open unpaid invoices of one npub.', 'invoices', 3),
  LIMIT_RUNNING: count('Requests of one npub that run at once; more wait in turn.', 'requests', 3),
  LIMIT_NEW_PER_HOUR: count('New orders of one npub.', 'per hour', 20),
  LIMIT_UNPAID_ANSWERS_PER_MINUTE: count('Answers to one npub that nobody paid for.', 'per minute', 3),
  LIMIT_STORE_MB_PER_HOUR: count(
    'Texts of strangers that are kept; of it one npub takes an eighth.',
    'MB per hour',
    64,
  ),
  LIMIT_ALL_OPEN_INVOICES: count('Open unpaid invoices of everybody.', 'invoices', 300),
  LIMIT_PAID_WAITING: count('Paid work that waits; at three quarters of it no more is sold.', 'requests', 200),
  LIMIT_PAID_AT_ONCE: count('Paid work that runs at once.', 'requests', 4, 100),
};
