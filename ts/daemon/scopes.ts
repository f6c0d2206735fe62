import type { Scope } from '../keys/index.ts';

/** Asks a model, or concerns only what the asker has asked before. */
const INFERENCE = [
  /^(?:\/engines(?:\/:backend)?)?(?:\/v1)?\/(?:chat\/completions|completions|embeddings|rerank|score)$/,
  /^(?:\/engines(?:\/:backend)?)?(?:\/v1)?\/(?:responses|images|audio)(?:\/|$)/,
  /^(?:\/engines(?:\/:backend)?|\/anthropic)?\/v1\/messages(?:\/|$)/,
  /^\/api\/(?:chat|generate|embed|embeddings)$/,
  /^\/(?:tokenize|detokenize|apply-template)$/,
];

/** Changes nothing although it is a POST. `/mcp` asks the other routes with the key of its session. */
const ANY = [/^\/api\/show$/, /^\/v1\/plan$/, /^\/mcp$/];

/** Shows what others do or have set, or what the hub shows to the owner's token. */
const PRIVATE = [/^\/ohmygpu\/v1\/(?:config|events|search)$/, /^\/engines\/requests$/];

/** The scope that a key needs for a route, by the route's pattern; undefined: any key will do. What is not known to be harmless is `manage`. */
export function scopeOf(method: string, url: string): Scope | undefined {
  const among = (patterns: RegExp[]): boolean => patterns.some((pattern) => pattern.test(url));
  if (among(INFERENCE)) return 'inference';
  if (among(ANY)) return undefined;
  const isReading = method === 'GET' || method === 'HEAD';
  return isReading && !among(PRIVATE) ? undefined : 'manage';
}
