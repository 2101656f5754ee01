import { nodePackages, ownFiles, packedFiles } from './files.ts';
import { checkSpec, type NodeSpec } from './spec.ts';
import { gzip, type NodeFile } from './tar.ts';

/** Where the files that are the same on all nodes lie until they are unpacked. */
const PACKED = '/opt/timmy/files.tar.gz';
/** The cloud takes 65,536; what is nearer than this to it has outgrown its way. Bytes. */
const MAX_BYTES = 60_000;
/** Shorter texts would only grow. */
const PLAIN_CHARS = 160;

/**
 * The `#cloud-config` that makes a rented Debian 13 a node (`docs/node.md`). The same spec gives the same bytes: no time
 * and no chance is in it, and no secret but the claim and, for minutes, Tailscale's key. Never kept, never logged.
 * Everything else is made on the node. JSON values throughout: JSON is YAML, and quotes all there is to quote.
 * @throws RangeError where a value is not what it should be, or the whole is over 60,000 bytes.
 */
export function renderUserData(spec: NodeSpec): string {
  checkSpec(spec);
  const config = {
    hostname: spec.hostname,
    ssh_pwauth: false,
    package_update: true,
    package_upgrade: true,
    packages: nodePackages(),
    write_files: [
      ...ownFiles(spec).map(written),
      { path: PACKED, permissions: '0644', encoding: 'b64', content: packedFiles() },
    ],
    // Once for each machine, and never again whatever happens: so only what starts the unit that does not give up.
    runcmd: [
      ['tar', '--extract', '--gzip', '--file', PACKED, '--directory', '/', '--no-same-owner', '--preserve-permissions'],
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'enable', '--now', '--no-block', 'timmy-setup.service'],
    ],
  };
  const lines = Object.entries(config).map(([key, value]) => `${key}:${yaml(value)}`);
  const text = `#cloud-config\n${lines.join('\n')}\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) throw new RangeError(`user_data is ${bytes} bytes, ${MAX_BYTES} are allowed`);
  return text;
}

function written({ path, mode, text }: NodeFile): Record<string, string> {
  // To be read in user_data as it stands; also by the stub, which has no gzip of cloud-init's.
  if (path === '/etc/timmy/node.json' || text.length < PLAIN_CHARS) return { path, permissions: mode, content: text };
  return { path, permissions: mode, encoding: 'gz+b64', content: gzip(text).toString('base64') };
}

/** One line for each item of a list. */
function yaml(value: unknown): string {
  if (!Array.isArray(value)) return ` ${JSON.stringify(value)}`;
  return value.map((item) => `\n  - ${JSON.stringify(item)}`).join('');
}
