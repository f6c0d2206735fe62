import type { IncomingMessage } from 'node:http';
import { anthropicError } from '../api/anthropic/index.ts';
import { dockerError, inferencePath } from '../api/docker/index.ts';
import { mcpError } from '../api/mcp/index.ts';
import { ollamaError } from '../api/ollama/index.ts';
import { openAiError } from '../api/openai/index.ts';
import type { ErrorRenderer } from '../api/wire/index.ts';

/** The envelope that a path's clients understand, also where no route matches. */
export function errorRendererFor(path: string): ErrorRenderer {
  const inference = inferencePath(path);
  if (inference !== undefined) return errorRendererFor(inference);
  if (path === '/mcp') return mcpError;
  if (/^\/(?:models|engines)(?:\/|$)/.test(path)) return dockerError;
  if (path === '/' || path === '/api' || path.startsWith('/api/')) return ollamaError;
  return /^(\/anthropic|\/v1\/messages)(\/|$)/.test(path) ? anthropicError : openAiError;
}

/** Two dialects share `GET /v1/models`; a client of Anthropic says so in a header and is led to its own. */
export function surfacePath(url: string, { method, headers }: IncomingMessage): string {
  const shared = method === 'GET' && /^\/v1\/models(?![^/?])/.test(url);
  return shared && headers['anthropic-version'] !== undefined ? `/anthropic${url}` : url;
}
