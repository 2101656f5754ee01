import { httpUrl, int, secret, text } from '../kinds.ts';

/** How Digital Ocean writes the names of its things ("s-4vcpu-8gb"). */
export const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
const slug = {
  good: (written: string) => SLUG.test(written),
  words: 'a name as Digital Ocean writes it: lower case, digits and "-"',
};

/** The clouds that nodes are rented at; without a token a stub stands in. */
export const cloud = {
  DO_API_TOKEN: secret({
    about: 'Token of the Digital Ocean API, with custom scopes (docs/node.md). Unset: stub cloud, no server exists.',
    expected: 'a token without spaces',
    credential: 'do-api-token',
  }),
  DO_API_BASE_URL: httpUrl({
    about: 'The Digital Ocean API, without /v2.',
    default: 'https://api.digitalocean.com',
    notEnding: '/v2',
  }),
  DO_REGION: text({ about: 'Region of nodes whose owner names none.', default: 'nyc3', max: 63, form: slug }),
  DO_REGION_FALLBACK: text({
    about: 'Region that is tried once more where the first makes no server.',
    max: 63,
    form: slug,
  }),
  DO_SIZE: text({ about: 'Size of nodes whose owner names none.', default: 's-4vcpu-8gb', max: 63, form: slug }),
  DO_VOLUME_SIZE_GB: int({
    about: 'Volume added to each node; 0: none. From 1000 on a node keeps the whole chain.',
    unit: 'GB',
    default: 0,
    min: 0,
    max: 16_384,
  }),
  DO_IMAGE: text({ about: 'System image of nodes.', default: 'debian-13-x64', max: 63, form: slug }),
  TAILSCALE_API_KEY: secret({
    about: 'Key of the Tailscale API (full power, 90 days at most): an OAuth client is better.',
    expected: 'a key without spaces',
    credential: 'tailscale-api-key',
  }),
  TAILSCALE_OAUTH_CLIENT_ID: text({
    about: 'OAuth client with the scopes auth_keys and devices:core, and exactly one tag.',
    max: 100,
    form: { good: (written) => /^[\w-]+$/.test(written), words: 'the id of an OAuth client' },
  }),
  TAILSCALE_OAUTH_CLIENT_SECRET: secret({
    about: 'Secret of that client.',
    expected: 'a secret without spaces',
    credential: 'tailscale-oauth-secret',
  }),
  TAILSCALE_TAILNET: text({
    about: 'The tailnet that nodes join ("-": that of the key). Off unless this and a key or a client are set.',
    max: 200,
    form: { good: (written) => /^[\w.@-]+$/.test(written), words: 'the name of a tailnet, or "-"' },
  }),
  TAILSCALE_TAG: text({
    about: 'Tag of our nodes in it; what they may reach there is for its policy to say.',
    default: 'tag:timmy-node',
    max: 60,
    form: { good: (written) => /^tag:[a-zA-Z][a-zA-Z0-9-]*$/.test(written), words: 'a tag like "tag:timmy-node"' },
  }),
  TAILSCALE_API_BASE_URL: httpUrl({
    about: 'The Tailscale API, without /api/v2.',
    default: 'https://api.tailscale.com',
    notEnding: '/api',
  }),
};
