import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** A transaction is synchronous: what takes `tx` never awaits, what awaits never holds `tx`. */
const syncTransactions = {
  selector:
    'CallExpression[callee.property.name=/^(transaction|write)$/] > :matches(ArrowFunctionExpression, FunctionExpression)[async=true]',
  message: 'A transaction is synchronous: better-sqlite3 commits before an async function is through.',
};

/** Time and chance are ports (lib/clock.ts, lib/rng.ts), so that a simulator can hold them. */
const ports = [
  {
    selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']",
    message: 'Take a Clock (lib/clock.ts).',
  },
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Take a Clock (lib/clock.ts).',
  },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Take an Rng (lib/rng.ts).',
  },
  {
    selector: 'CallExpression[callee.name=/^(setTimeout|setInterval)$/]',
    message: 'Take a Clock (lib/clock.ts) and its after().',
  },
];

const tests = ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts'];

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.cache/', 'data/', 'migrations/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', syncTransactions, ...ports],
      eqeqeq: ['error', 'smart'],
      '@typescript-eslint/dot-notation': ['error', { allowIndexSignaturePropertyAccess: true }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-definitions': 'off', // a union or a mapped type reads better as `type` beside its kin
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/require-await': 'off', // an interface may ask for a promise where there is nothing to wait for
      '@typescript-eslint/no-empty-function': 'off', // a listener or a fake that does nothing says so by being empty
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/app/**/*.ts', 'src/cli/**/*.ts', 'src/main.ts', 'src/node-agent/system.ts', ...tests],
    rules: { 'no-restricted-syntax': ['error', syncTransactions] },
  },
  { files: ['src/cli/**/*.ts', 'src/main.ts', 'bench/**/*.ts', 'scripts/**'], rules: { 'no-console': 'off' } },
  {
    files: tests,
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off', // a test that finds nothing fails there, which is what it is for
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}', 'bin/timmy'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', module: 'writable', URL: 'readonly' } },
  },
);
