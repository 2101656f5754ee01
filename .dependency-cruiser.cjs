/**
 * Imports point down. Each line may import itself and the lines above it; folders on one line do not know each other,
 * except the base, whose folders build on one another (and never in a circle).
 */
const BASE = ['lib', 'curve', 'nostr', 'bolt11', 'pricing', 'receipts', 'ports', 'config'];
const LAYERS = [
  BASE,
  ['db', 'node-image'],
  ['tasks', 'downtime'],
  ['ledger', 'customers'],
  ['messaging', 'payments'],
  ['engine'],
  ['products', 'commands'],
  ['operator'],
];

const TEST = '\\.test\\.ts$';
const folders = (names) => `^src/(${names.join('|')})/`;
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const layerRules = LAYERS.slice(1).flatMap((layer, index) =>
  layer.map((folder) => {
    const below = LAYERS.slice(0, index + 1).flat();
    return rule(
      `${folder}-imports-down`,
      `src/${folder} may import only: ${below.join(', ')}`,
      { path: folders([folder]), pathNot: TEST },
      { path: '^src/', pathNot: [folders([folder]), folders(below)] },
    );
  }),
);

module.exports = {
  forbidden: [
    rule('no-circles', 'Two files that need each other are one idea, or a third is missing.', {}, { circular: true }),
    rule('lib-alone', 'src/lib knows nothing.', { path: '^src/lib/', pathNot: TEST }, { path: '^src/(?!lib/)' }),
    rule(
      'base-is-base',
      'The base knows neither database nor business.',
      { path: folders(BASE), pathNot: TEST },
      { path: '^src/', pathNot: folders(BASE) },
    ),
    rule(
      'base-without-io',
      'The base touches neither files (the settings loader apart) nor sockets nor the database.',
      { path: folders(BASE), pathNot: [TEST, '^src/config/'] },
      {
        path: [
          '^(node:)?(fs|net|tls|http|https|dgram|dns|child_process|worker_threads)($|/)',
          'better-sqlite3',
          'drizzle-orm',
          '/ws/',
        ],
      },
    ),
    ...layerRules,
    rule(
      'products-apart',
      'A product never imports another product.',
      { path: '^src/products/([^/_]+)/', pathNot: TEST },
      { path: '^src/products/([^/_]+)/', pathNot: '^src/products/$1/' },
    ),
    rule(
      'adapters-import-base',
      "An adapter knows the base, nothing else of ours, and no other adapter; strangers' addresses are reached through outbound alone, named services through http.",
      { path: '^src/adapters/([^/]+)/', pathNot: [TEST, '^src/adapters/stubs/'] },
      { path: '^src/', pathNot: ['^src/adapters/($1|outbound|http)/', folders(BASE)] },
    ),
    rule(
      'stubs-import-base',
      'A stub knows the base, and the database for the table of the stub wallet.',
      { path: '^src/adapters/stubs/', pathNot: TEST },
      { path: '^src/', pathNot: ['^src/adapters/stubs/', folders([...BASE, 'db'])] },
    ),
    rule(
      'node-agent-travels-light',
      "The node's agent is bundled into user_data: it knows lib, nostr and the curve, and nobody here knows it.",
      { path: '^src/node-agent/', pathNot: TEST },
      { path: '^src/', pathNot: folders(['node-agent', 'lib', 'nostr', 'curve']) },
    ),
    rule(
      'node-agent-apart',
      'Nothing here imports what runs on the node.',
      { path: '^src/(?!node-agent/)', pathNot: TEST },
      { path: '^src/node-agent/' },
    ),
    rule(
      'dev-relay-imports-base',
      'The embedded relay is a server of its own: it knows the base only.',
      { path: '^src/dev-relay/', pathNot: TEST },
      { path: '^src/', pathNot: ['^src/dev-relay/', folders(BASE)] },
    ),
    rule(
      'dev-relay-behind-app',
      'Only app/ starts the embedded relay.',
      { path: '^src/(?!dev-relay/|app/)', pathNot: TEST },
      { path: '^src/dev-relay/' },
    ),
    rule(
      'adapters-behind-app',
      'Only app/ joins adapters to the rest.',
      { path: '^src/(?!adapters/|app/)', pathNot: TEST },
      { path: '^src/adapters/' },
    ),
    rule(
      'shell-on-top',
      'Nothing below knows app, cli or main.',
      { path: '^src/(?!app/|cli/|main\\.ts)', pathNot: TEST },
      { path: '^src/(app/|cli/|main\\.ts)' },
    ),
    rule(
      'app-without-cli',
      'app/ does not know the command line.',
      { path: '^src/app/', pathNot: TEST },
      { path: '^src/cli/' },
    ),
    rule(
      'no-tests-in-product',
      'What ships does not import test code.',
      { path: '^src/', pathNot: TEST },
      { path: '^(test|bench)/' },
    ),
    rule(
      'no-dev-dependencies',
      'What ships imports only what is installed with it.',
      { path: '^src/', pathNot: TEST },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    ),
    rule('resolvable', 'Every import leads somewhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js'],
    },
  },
};
