import { gzipSync } from 'node:zlib';

const BLOCK = 512;

/** One file of the node. */
export interface NodeFile {
  readonly path: string;
  /** Octal, as cloud-init wants it. */
  readonly mode: '0600' | '0644' | '0755';
  readonly text: string;
}

/** POSIX ustar: root's files, of the hour zero, without folders, so that what is there keeps its own. */
export function tar(files: readonly NodeFile[]): Buffer {
  const parts = files.flatMap(({ path, mode, text }) => {
    const bytes = Buffer.from(text);
    return [header(path.replace(/^\//, ''), mode, bytes.length), bytes, Buffer.alloc(-bytes.length & (BLOCK - 1))];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(path: string, mode: string, size: number): Buffer {
  if (path.length > 100) throw new RangeError(`${path} is too long for a tar`);
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0);
  block.write(mode.padStart(7, '0'), 100);
  block.write('0000000', 108); // owner
  block.write('0000000', 116); // group
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136); // time
  block.write('        ', 148); // the sum counts itself as blanks
  block.write('0', 156); // a plain file
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return block;
}

/** The same bytes wherever it is made: the one byte of the header that says on which system is put to "unknown". */
export function gzip(data: string | Buffer): Buffer {
  const bytes = gzipSync(data, { level: 9 });
  bytes[9] = 0xff;
  return bytes;
}
