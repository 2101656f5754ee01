import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

export interface WrittenFile {
  readonly path: string;
  readonly permissions: string;
  readonly encoding?: 'gz+b64' | 'b64';
  readonly content: string;
}

export interface CloudConfig {
  readonly hostname: string;
  readonly ssh_pwauth: boolean;
  readonly package_update: boolean;
  readonly package_upgrade: boolean;
  readonly packages: readonly string[];
  readonly write_files: readonly WrittenFile[];
  readonly runcmd: readonly (readonly string[])[];
}

/** As cloud-init would read it; strict: no key twice, nothing that YAML 1.1 and 1.2 take for two things. */
export function readUserData(userData: string): CloudConfig {
  return parse(userData, { strict: true, uniqueKeys: true }) as CloudConfig;
}

export function textOfFile(file: WrittenFile): string {
  if (file.encoding === undefined) return file.content;
  const bytes = Buffer.from(file.content, 'base64');
  return file.encoding === 'b64' ? bytes.toString('latin1') : gunzipSync(bytes).toString();
}

/** cloud-init's `write_files`, then the `tar` of `runcmd`: under `root` in the place of `/`. */
export function writeNodeRoot(root: string, userData: string): void {
  const { write_files, runcmd } = readUserData(userData);
  for (const file of write_files) {
    const path = `${root}${file.path}`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, textOfFile(file), {
      mode: parseInt(file.permissions, 8),
      encoding: file.encoding === 'b64' ? 'latin1' : 'utf8',
    });
  }
  const [tar, ...args] = runcmd[0]!;
  if (tar !== 'tar') throw new Error('user_data unpacks nothing');
  execFileSync(
    tar,
    args.map((arg) => (arg.startsWith('/') ? `${root}${arg}` : arg)),
  );
}
