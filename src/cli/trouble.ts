/**
 * Troubles of the machine that are nobody's bug, in words for the operator, with the mend; null for all else. By the
 * code alone: Node's of system calls, SQLite's of its files.
 */
export function describeTrouble(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, path, port } = error as { code?: unknown; path?: unknown; port?: unknown };
  if (typeof code !== 'string') return null;
  const where = typeof path === 'string' ? ` (${path})` : '';
  const [, words] = TROUBLES.find(([pattern]) => pattern.test(code)) ?? [];
  return words === undefined
    ? null
    : `${words.replace('@', where).replace('#', typeof port === 'number' ? String(port) : '?')} [${code}]`;
}

const TROUBLES: readonly (readonly [RegExp, string])[] = [
  [
    /^(ENOSPC|EDQUOT|SQLITE_FULL)$/,
    'The disk is full@. Free some space where TIMMY_DATA_DIR lies; nothing is lost, and Timmy goes on by itself or at its next start.',
  ],
  [
    /^(SQLITE_CORRUPT|SQLITE_NOTADB)/,
    'The database is damaged@. Stop Timmy, keep a copy of the damaged file, and put a good one in its place: one of yours, or timmy.db.before-… beside it.',
  ],
  [
    /^(EROFS|SQLITE_READONLY)/,
    'The place cannot be written@: it is read-only, or belongs to another user. See where TIMMY_DATA_DIR lies and whose it is.',
  ],
  [
    /^(EACCES|EPERM|SQLITE_CANTOPEN|SQLITE_PERM|SQLITE_AUTH)/,
    'No permission@. Run this as the user that Timmy runs as (sudo -u timmy …), or set TIMMY_DATA_DIR to a directory of your own.',
  ],
  [/^(ENOTDIR|EEXIST)$/, 'There is a file where a directory should be@. Set TIMMY_DATA_DIR to another place.'],
  [
    /^SQLITE_IOERR/,
    'The disk does not read or write as it should@. Look at its health (dmesg, smartctl) before anything else.',
  ],
  [
    /^SQLITE_(BUSY|LOCKED)/,
    'The database is busy@: another program holds it for long. Try again, or see what it is (fuser).',
  ],
  [
    /^EADDRINUSE$/,
    'Port # is in use already@. Stop what uses it, or choose another: TIMMY_DEV_RELAY_PORT (0 picks a free one).',
  ],
  [/^(EMFILE|ENFILE)$/, 'Too many files are open@: raise the limit (LimitNOFILE= in the unit, ulimit -n).'],
  [/^ENOMEM$/, 'The machine is out of memory@.'],
];
