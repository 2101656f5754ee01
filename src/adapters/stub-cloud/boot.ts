import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';

/** What a stub takes from a node's image: who it is, and the agent. All else needs a machine. */
const NODE = '/etc/timmy/node.json';
export const AGENT = '/opt/timmy/agent.cjs';

const MAX_FILE_BYTES = 2 * 1024 * 1024;

const fileShape = z.object({ path: z.string(), encoding: z.enum(['gz+b64', 'b64']).optional(), content: z.string() });

/**
 * Writes these two files of `userData` on a disk, as cloud-init would. Our images have each file as one JSON object on
 * a line of its own. False: they are not in it.
 */
export function writeDisk(disk: string, userData: string): boolean {
  const files = filesOf(userData).filter(({ path }) => path === NODE || path === AGENT);
  for (const { path, text } of files) {
    const target = join(disk, path);
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    writeFileSync(target, text, { mode: 0o600 });
  }
  return files.length === 2;
}

function filesOf(userData: string): { path: string; text: string }[] {
  return userData.split('\n').flatMap((line) => {
    const json = /^\s*- (\{.*\})\s*$/.exec(line)?.[1];
    const file = json === undefined ? undefined : fileShape.safeParse(parse(json)).data;
    return file === undefined ? [] : [{ path: file.path, text: decode(file.content, file.encoding) }];
  });
}

function decode(content: string, encoding: 'gz+b64' | 'b64' | undefined): string {
  if (encoding === undefined) return content;
  const bytes = Buffer.from(content, 'base64');
  return (encoding === 'b64' ? bytes : gunzipSync(bytes, { maxOutputLength: MAX_FILE_BYTES })).toString();
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}
