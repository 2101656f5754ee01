import { z } from 'zod';
import { normalizeRelayUrl } from '../../nostr/relay-url.ts';
import { flag, int, list } from '../kinds.ts';

const relayUrl = z.string().transform((written, context): string => {
  const url = normalizeRelayUrl(written);
  if (url !== null) return url;
  context.addIssue({ code: 'custom' });
  return z.NEVER;
});

/** Where Timmy reads, and where it looks for the relays of others. */
export const relays = {
  TIMMY_RELAYS: list({
    about: 'Inbox relays: where customers write to Timmy (announced as kind 10050 and 10002). Local ones are fine.',
    default: ['wss://relay.damus.io', 'wss://nos.lol', 'wss://relay.primal.net', 'wss://auth.nostr1.com'],
    item: relayUrl,
    items: 'ws:// or wss:// URLs',
    max: 20,
  }),
  TIMMY_DISCOVERY_RELAYS: list({
    about: "Where customers' relay lists are looked for, and where Timmy publishes its own.",
    default: ['wss://purplepag.es', 'wss://relay.nos.social', 'wss://user.kindpag.es'],
    item: relayUrl,
    items: 'ws:// or wss:// URLs',
    max: 20,
  }),
  TIMMY_ALLOW_PRIVATE_NETWORK: flag({
    about:
      "Lets strangers' relay lists and Lightning addresses point at private addresses. Tests only; refused in production.",
  }),
  TIMMY_DEV_RELAY_PORT: int({
    about: 'Port of the embedded relay of "start --dev"; 0 picks one.',
    unit: 'TCP port',
    default: 7777,
    min: 0,
    max: 65_535,
  }),
};
