import type { Command } from 'commander';
import { loadSettings, type Settings } from '../../config/index.ts';
import { parseNpub } from '../../nostr/keys.ts';
import { normalizeRelayUrl } from '../../nostr/relay-url.ts';
import { collect, say } from '../output.ts';
import { UsageError, type Cli } from '../run.ts';
import { DM_PROTOCOLS, type DmProtocol } from './compose.ts';

export interface AddressOptions {
  readonly relay?: readonly string[];
  readonly protocol: string;
}

/** The options that `dm` and `chat` share. */
export function withAddressOptions(command: Command): Command {
  return command
    .option('--relay <url>', 'use exactly this relay (may be repeated)', collect)
    .option('--protocol <name>', DM_PROTOCOLS.join(' | '), 'nip17');
}

/**
 * Where to read and write. Relays given by hand are used alone, without a look at the settings; otherwise those of the settings, and the recipient's
 * own, looked up on the discovery relays.
 */
export function relaysFor(
  options: AddressOptions,
  settingsOf: () => Settings,
): { relays: readonly string[]; discoveryRelays: readonly string[] } {
  if (options.relay === undefined) {
    const settings = settingsOf();
    return { relays: settings.TIMMY_RELAYS, discoveryRelays: settings.TIMMY_DISCOVERY_RELAYS };
  }
  const relays = options.relay.map((written) => {
    const url = normalizeRelayUrl(written);
    if (url === null) throw new UsageError('--relay takes a ws:// or wss:// URL');
    return url;
  });
  return { relays, discoveryRelays: [] };
}

export function protocolOf(options: AddressOptions): DmProtocol {
  const protocol = DM_PROTOCOLS.find((name) => name === options.protocol);
  if (protocol === undefined) throw new UsageError(`--protocol takes one of: ${DM_PROTOCOLS.join(', ')}`);
  return protocol;
}

/** An npub, nprofile or hex key as hex. */
export function recipientOf(written: string): string {
  const hex = parseNpub(written);
  if (hex === null) throw new UsageError('the recipient must be an npub (npub1…) or 64 hex characters');
  return hex;
}

export function settingsOf(cli: Cli): Settings {
  return loadSettings({ env: cli.env, cwd: cli.cwd, advise: false, warn: (warning) => say(cli, warning) });
}
