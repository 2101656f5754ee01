import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';

export interface WrittenFile {
  readonly path: string;
  readonly permissions: string;
  readonly encoding?: 'gz+b64';
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
  return file.encoding === undefined ? file.content : gunzipSync(Buffer.from(file.content, 'base64')).toString();
}

/** cloud-init's `write_files`, under `root` in the place of `/`. */
export function writeNodeRoot(root: string, userData: string): void {
  for (const file of readUserData(userData).write_files) {
    const path = `${root}${file.path}`;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, textOfFile(file), { mode: parseInt(file.permissions, 8) });
  }
}
