import { ollamaError } from '../api/ollama/index.ts';
import { openAiError } from '../api/openai/index.ts';
import type { ErrorRenderer } from '../api/wire/index.ts';

/** The envelope that a path's clients understand, also where no route matches. */
export function errorRendererFor(path: string): ErrorRenderer {
  return path === '/' || path === '/api' || path.startsWith('/api/') ? ollamaError : openAiError;
}
