import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

/** Of user_data's 60,000 bytes: the rest is the image's. */
const MAX_PACKED_BYTES = 34 * 1024;

function built(): Buffer {
  const path = join(mkdtempSync(join(tmpdir(), 'timmy-bundle-')), 'agent.cjs');
  execFileSync(process.execPath, ['scripts/build-agent.mjs', path], { stdio: 'ignore' });
  return readFileSync(path);
}

describe('the bundle', () => {
  it('fits into user_data, and is the same bytes each time', () => {
    const bundle = built();
    expect(built().equals(bundle)).toBe(true);
    expect(gzipSync(bundle, { level: 9 }).toString('base64').length).toBeLessThanOrEqual(MAX_PACKED_BYTES);
  });

  it('names no path of the machine that built it', () => {
    expect(built().toString('latin1')).not.toContain(process.cwd());
  });
});
