import {
  closeSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Nothing that the agent reads is larger; a file that is has another writer than we think. Bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The file's text, or null where there is none. @throws Error when it cannot be read or is over 4 MiB. */
export function readText(path: string): string | null {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_BYTES) throw new RangeError('the file is too large');
    return text;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/**
 * The file is either as it was or holds `text` whole, on the disk, when this returns. Mode 0600 unless said otherwise.
 * Killed midway: the old file, and one beside it that the next write replaces.
 */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  const draft = `${path}.new`;
  writeWhole(draft, text, mode);
  renameSync(draft, path);
  syncFolderOf(path);
}

/** As `writeDurably`, but never over a file that is there: false, and nothing happened, when somebody was first. */
export function createDurably(path: string, text: string): boolean {
  const draft = `${path}.${process.pid}.new`;
  writeWhole(draft, text, 0o600);
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
  syncFolderOf(path);
  return true;
}

/**
 * Overwrites the file's bytes and takes it away. On a disk that writes in place the bytes are gone; on others they are
 * at least no longer in any file. Nothing happens where there is none.
 */
export function shred(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  try {
    writeSync(file, Buffer.alloc(fstatSync(file).size), 0, undefined, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  rmSync(path, { force: true });
  syncFolderOf(path);
}

function writeWhole(path: string, text: string, mode: number): void {
  rmSync(path, { force: true }); // a draft of another life may have another mode
  const file = openSync(path, 'wx', mode);
  try {
    fchmodSync(file, mode); // whatever the umask takes away
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolderOf(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}
