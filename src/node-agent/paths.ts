/** Every path that the agent knows, all under one root: empty on a node, a directory in tests and in the stub. */
export interface NodePaths {
  readonly node: string;
  readonly services: string;
  /** Where SSH keeps the host's public keys. */
  readonly hostKeys: string;
  /** 0700: what the agent and the setup keep. */
  readonly kept: string;
  readonly identity: string;
  readonly state: string;
  /** Written by the setup, gone once they are delivered. */
  readonly credentials: string;
  /** What the setup made by chance, a file each: no log shows it. */
  readonly secrets: string;
  readonly compose: string;
  readonly bitcoinConf: string;
  readonly bitcoinCookie: string;
  /** There when the machine's clock has been set from outside (systemd-timesyncd). */
  readonly clockSet: string;
}

export function pathsOf(root: string): NodePaths {
  const kept = `${root}/var/lib/timmy`;
  return {
    node: `${root}/etc/timmy/node.json`,
    services: `${root}/etc/timmy/services.json`,
    hostKeys: `${root}/etc/ssh`,
    kept,
    identity: `${kept}/identity.json`,
    state: `${kept}/state.json`,
    credentials: `${kept}/credentials.json`,
    secrets: `${kept}/secrets`,
    compose: `${root}/opt/timmy/compose.yml`,
    bitcoinConf: `${root}/opt/timmy/bitcoin.conf`,
    bitcoinCookie: `${root}/var/lib/bitcoin/.cookie`,
    clockSet: `${root}/run/systemd/timesync/synchronized`,
  };
}
