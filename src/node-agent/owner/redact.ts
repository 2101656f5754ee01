import { cleanText } from '../../lib/clean-text.ts';

const HIDDEN = '[hidden]';

/**
 * What looks like a secret, whoever wrote it into a log. Hashes of blocks and transactions (64 hex characters) stay:
 * a log of a node is made of them; macaroons are longer hex.
 */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\bnsec1[a-z0-9]+/gi, HIDDEN],
  [/\btskey-[\w-]+/gi, HIDDEN],
  [/\bdop_v1_\w+/gi, HIDDEN],
  [/\b[0-9a-f]{65,}\b/gi, HIDDEN],
  [/(rpcauth=[^:\s]+:)\S+/gi, `$1${HIDDEN}`],
  [/(\/\/[^\s/:@]+:)[^\s/@]+@/g, `$1${HIDDEN}@`],
  [/\b(basic|bearer)\s+[\w+/=.-]{8,}/gi, `$1 ${HIDDEN}`],
  // name=value, name: value, "name":"value"; the name may be the end of a longer one
  [
    /((?:pass(?:word|wd|phrase)?|secret(?:[_-]?key)?|token|api[_-]?key|admin[_-]?key|macaroon|cookie|seed|claim)["']?\s*[=:]\s*["']?)[^\s"',&}]+/gi,
    `$1${HIDDEN}`,
  ],
  // 43 characters of base64 (32 bytes) and longer that are no hex
  [/(?<![\w+/-])(?=[\w+/-]*[g-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[\w+/-]{40,}={0,2}/g, HIDDEN],
];

/** `text` fit to be sent: no secret that is known (`known`) or looks like one, no control characters. */
export function redact(text: string, known: readonly string[]): string {
  let said = cleanText(text);
  for (const secret of known) if (secret.length >= 6) said = said.replaceAll(secret, HIDDEN);
  for (const [form, instead] of SECRETS) said = said.replace(form, instead);
  return said;
}

/** The last lines of `text` that fit into `maxBytes`; a line that alone is longer loses its end. */
export function lastLines(text: string, lines: number, maxBytes: number): string {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of text.trimEnd().split('\n').slice(-lines).reverse()) {
    const short = line.length > 600 ? `${line.slice(0, 600)}…` : line;
    bytes += Buffer.byteLength(short) + 1;
    if (bytes > maxBytes) break;
    kept.unshift(short);
  }
  return kept.join('\n');
}
