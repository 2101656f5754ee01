import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeNodeRoot } from './node-root.ts';

/** What changes a whole machine: only noted. */
export const FAKED = (
  'apt-get blkid chown curl docker fail2ban-client fallocate gpg iptables mkfs.ext4 ' +
  'mkswap mount mountpoint sshd swapon sync sysctl systemctl tailscale ufw'
).split(' ');
/** What `setup.sh` does to files of its own: noted, then really done. */
const REAL = ['cat', 'chmod', 'flock', 'mkdir', 'mv', 'openssl', 'rm', 'shred'];

/** One program under all those names. Every call is a line of `calls`; `KILL=new` ends it all at the first call never seen that changes what is kept. */
const STAND_IN = `#!/bin/bash
name=\${0##*/}
PATH=$REAL_PATH
if [ "\${KILL:-}" = new ] && [[ $name != @(cat|mkdir|flock|sync|rm) ]]; then
  shopt -s extglob nullglob
  steps=("$TIMMY_NODE_ROOT"/var/lib/timmy/steps/*)
  key="\${#steps[@]} $name \${*//+([0-9a-f])/x}"
  seen=$(<"$STATE/seen")
  if [[ $'\\n'$seen$'\\n' != *$'\\n'"$key"$'\\n'* ]]; then
    echo "$key" >>"$STATE/seen"
    kill -KILL 0
  fi
fi
echo "$name $*" >>"$STATE/calls"
if [ -e "$STATE/broken/$name" ]; then exit 1; fi
case "$name $*" in
  "fallocate "*) : >"\${!#}" ;;
  "swapon --show"*) cat "$STATE/swaps" 2>/dev/null; exit 0 ;;
  "swapon "*) echo "$1" >>"$STATE/swaps" ;;
  "mountpoint "*) exec /usr/bin/grep -qxF "\${!#}" "$STATE/mounts" ;;
  "mount "*) echo "$1" >>"$STATE/mounts" ;;
  "blkid "*) test -e "$STATE/formatted" ;;
  "mkfs.ext4 "*) : >"$STATE/formatted" ;;
  "gpg "*) echo "fpr:::::::::2596A99EAAB33821893C0A79458CA832957F5868:" ;;
  "curl "*169.254.169.254*) echo 198.51.100.7 ;;
  "curl "*-o*) : >"$TIMMY_NODE_ROOT/usr/share/keyrings/tailscale.gpg.new" ;;
  "tailscale status --json"*) echo '{"Self": {"DNSName": "timmy-b4kq7m-1.tail1234.ts.net."}}' ;;
  "tailscale status") test -e "$STATE/joined" ;;
  "tailscale up"*) test -s "$TIMMY_NODE_ROOT/run/timmy-tailscale.key" && : >"$STATE/joined" ;;
  "sync "*) ;; # the disk is not what is tested
  ${REAL.map((name) => `"${name} "*`).join(' | ')}) exec "$name" "$@" ;;
esac
`;

/** Puts the stand-ins of these names into the folder; they want `STATE`, `REAL_PATH` and `TIMMY_NODE_ROOT`. */
export function writeStandIns(folder: string, names: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/stand-in`, STAND_IN);
  chmodSync(`${folder}/stand-in`, 0o755);
  for (const name of names) symlinkSync('stand-in', `${folder}/${name}`);
}

/** A directory that takes itself for a machine, as cloud-init would have left it. */
export class NodeMachine {
  readonly root: string;
  readonly #state: string;
  readonly #bin: string;

  constructor(folder: string, userData: string) {
    this.root = `${folder}/root`;
    this.#state = `${folder}/state`;
    this.#bin = `${folder}/bin`;
    for (const made of [this.root, `${this.#state}/broken`, this.#bin]) mkdirSync(made, { recursive: true });
    writeNodeRoot(this.root, userData);
    writeFileSync(`${this.#state}/seen`, '');
    writeStandIns(this.#bin, [...FAKED, ...REAL]);
  }

  /** What a program sees that runs on this machine. */
  get env(): Record<string, string> {
    const path = process.env['PATH'] ?? '';
    return {
      PATH: `${this.#bin}:${path}`,
      REAL_PATH: path,
      STATE: this.#state,
      TIMMY_NODE_ROOT: this.root,
      TIMMY_NODE_FAST: '1',
    };
  }

  /** The exit code, or null where it was killed. */
  setup(env: Record<string, string> = {}): Promise<number | null> {
    return this.run('/opt/timmy/setup.sh', [], env).then(({ code }) => code);
  }

  run(
    program: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(`${this.root}${program}`, args, {
      detached: true, // a group of its own, so that the stand-in can end it whole
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.env, ...env },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** From now on this command fails, until it is mended. */
  break(command: string): void {
    writeFileSync(`${this.#state}/broken/${command}`, '');
  }

  /** Lets the machine have this file, of the cloud's making. */
  put(path: string, text = ''): void {
    mkdirSync(`${this.root}${path}`.replace(/\/[^/]*$/, ''), { recursive: true });
    writeFileSync(`${this.root}${path}`, text);
  }

  get calls(): readonly string[] {
    const path = `${this.#state}/calls`;
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  }

  get stepsDone(): readonly string[] {
    const folder = `${this.root}/var/lib/timmy/steps`;
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  text(path: string): string {
    return readFileSync(`${this.root}${path}`, 'utf8');
  }

  has(path: string): boolean {
    return existsSync(`${this.root}${path}`);
  }

  /** Whether bitcoin.conf lets this user in with this password. */
  letsIn(user: string, password: string): boolean {
    const conf = this.text('/var/lib/bitcoin/bitcoin.conf');
    const [, salt, hash] = new RegExp(`^rpcauth=${user}:([0-9a-f]+)\\$([0-9a-f]{64})$`, 'm').exec(conf) ?? [];
    return salt !== undefined && createHmac('sha256', salt).update(password).digest('hex') === hash;
  }
}
