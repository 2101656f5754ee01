import { readFileSync } from 'node:fs';
import type { NodeSpec } from './spec.ts';
import { gzip, tar, type NodeFile } from './tar.ts';

/** Every file that is the same on all nodes: where it lies on the node, and its name in `files/` beside this one. */
const CONSTANT: readonly (readonly [path: string, mode: NodeFile['mode'], name: string])[] = [
  ['/opt/timmy/setup.sh', '0755', 'setup.sh'],
  ['/opt/timmy/packages', '0644', 'packages'],
  ['/opt/timmy/compose.yml', '0644', 'compose.yml'],
  ['/opt/timmy/bitcoin.conf', '0644', 'bitcoin.conf'],
  ['/opt/timmy/lnd.conf', '0644', 'lnd.conf'],
  ['/opt/timmy/lnbits.env', '0644', 'lnbits.env'],
  ['/usr/local/sbin/lnd-init', '0755', 'lnd-init'],
  ['/usr/local/sbin/timmy-sweep', '0755', 'timmy-sweep'],
  ['/usr/local/sbin/timmy-metadata', '0755', 'timmy-metadata'],
  ['/usr/local/bin/timmy-status', '0755', 'timmy-status'],
  ['/usr/local/bin/timmy-creds', '0755', 'timmy-creds'],
  ['/etc/timmy/sweep.json', '0600', 'sweep.json'],
  ['/etc/systemd/system/timmy-setup.service', '0644', 'timmy-setup.service'],
  ['/etc/systemd/system/timmy-agent.service', '0644', 'timmy-agent.service'],
  ['/etc/systemd/system/timmy-metadata.service', '0644', 'timmy-metadata.service'],
  ['/etc/systemd/system/timmy-sweep.service', '0644', 'timmy-sweep.service'],
  ['/etc/systemd/system/timmy-sweep.timer', '0644', 'timmy-sweep.timer'],
  ['/etc/systemd/system/docker.service.d/timmy.conf', '0644', 'docker.conf'],
  ['/etc/systemd/system/docker-.scope.d/timmy.conf', '0644', 'docker-scope.conf'],
  ['/etc/docker/daemon.json', '0644', 'daemon.json'],
  ['/etc/ssh/sshd_config.d/10-timmy.conf', '0644', 'sshd.conf'],
  ['/etc/fail2ban/jail.d/timmy.conf', '0644', 'fail2ban.conf'],
  ['/etc/apt/apt.conf.d/52timmy', '0644', 'apt.conf'],
  ['/etc/sysctl.d/60-timmy.conf', '0644', 'sysctl.conf'],
];

/** In the sources, from the sources and from `dist` alike: what is not compiled is not copied either. */
const FOLDER = new URL('../../src/node-image/files/', import.meta.url);

let constant: readonly NodeFile[] | undefined;
let packed: string | undefined;

/** Read once. */
export function constantFiles(): readonly NodeFile[] {
  constant ??= CONSTANT.map(([path, mode, name]) => ({
    path,
    mode,
    text: readFileSync(new URL(name, FOLDER), 'utf8'),
  }));
  return constant;
}

/** Debian's packages that a node needs. */
export function nodePackages(): readonly string[] {
  const list = constantFiles().find(({ path }) => path === '/opt/timmy/packages')!;
  return list.text.trim().split('\n');
}

/** All of them as one `tar.gz` in base64: each by itself would take twice the room. */
export function packedFiles(): string {
  packed ??= gzip(tar(constantFiles())).toString('base64');
  return packed;
}

/** The files of this one node, of a checked spec. The key of Tailscale lies where a restart of the machine takes it away. */
export function ownFiles(spec: NodeSpec): readonly NodeFile[] {
  return [
    { path: '/etc/timmy/node.json', mode: '0600', text: `${JSON.stringify(spec.node)}\n` },
    { path: '/opt/timmy/.env', mode: '0644', text: environment(spec) },
    { path: '/opt/timmy/agent.cjs', mode: '0644', text: spec.agent },
    ...(spec.tailscaleKey === null
      ? []
      : [{ path: '/run/timmy-tailscale.key', mode: '0600' as const, text: spec.tailscaleKey.expose() }]),
  ];
}

/** What the scripts and compose.yml read of the spec: plain words that a shell takes as they are. */
function environment({ node, hostname, images, checkpoint, volume }: NodeSpec): string {
  const values = {
    TIMMY_HOSTNAME: hostname,
    TIMMY_BITCOIN_IMAGE: images.bitcoin,
    TIMMY_LND_IMAGE: images.lnd,
    TIMMY_LNBITS_IMAGE: images.lnbits,
    TIMMY_PRUNE_MIB: String(node.prune_mib),
    TIMMY_VOLUME: volume ?? '',
    TIMMY_TAILSCALE: node.tailscale ? '1' : '0',
    TIMMY_CHECKPOINT_HEIGHT: checkpoint === null ? '' : String(checkpoint.height),
    TIMMY_CHECKPOINT_HASH: checkpoint?.hash ?? '',
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
