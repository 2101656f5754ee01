import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { unixSeconds, type UnixSeconds } from '../../lib/units.ts';
import type { Rng } from '../../lib/rng.ts';
import type { Secret } from '../../lib/secret.ts';
import { encodeNsec, generateSecretKey, parseSecretKey } from '../../nostr/keys.ts';
import { Failure } from '../run.ts';

/** The directory of the chat's own things: `$XDG_DATA_HOME/timmy`, else `~/.local/share/timmy`. */
export function customerDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env.XDG_DATA_HOME ?? '';
  return join(base === '' ? join(env.HOME ?? homedir(), '.local', 'share') : base, 'timmy');
}

/** The key in `directory`, made at the first call (mode 0600). It is the customer's account: debts and history hang on it. */
export function customerKey(directory: string, rng: Rng): Secret<Uint8Array> {
  const file = join(directory, 'chat.nsec');
  const written = readIfThere(file);
  if (written !== null) return readKey(written, file);
  const secretKey = generateSecretKey(rng);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${encodeNsec(secretKey).expose()}\n`, { mode: 0o600, flag: 'wx' });
  return secretKey;
}

/** The key of `--as`: an nsec or hex key itself, else the file that holds one. @throws Failure, which never repeats the key. */
export function keyNamed(fileOrKey: string): Secret<Uint8Array> {
  if (/^(nsec1|[0-9a-f]{64}$)/i.test(fileOrKey)) return readKey(fileOrKey, '--as');
  const written = readIfThere(fileOrKey);
  if (written === null) throw new Failure('--as: there is no such file. Give a file that holds an nsec, or an nsec.');
  return readKey(written, '--as');
}

/** When the chat last showed something; 0 before the first time. */
export function lastShown(directory: string): UnixSeconds {
  const text = readIfThere(join(directory, 'chat.shown'))?.trim() ?? '';
  return unixSeconds(/^\d{1,12}$/.test(text) ? Number(text) : 0);
}

export function rememberShown(directory: string, at: UnixSeconds): void {
  writeFileSync(join(directory, 'chat.shown'), `${at}\n`, { mode: 0o600 });
}

function readKey(written: string, where: string): Secret<Uint8Array> {
  try {
    return parseSecretKey(written);
  } catch (error) {
    throw new Failure(`${where}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    if (code === 'ENOENT') return null;
    throw new Failure(`a key file cannot be read (${typeof code === 'string' ? code : 'unknown error'})`);
  }
}
