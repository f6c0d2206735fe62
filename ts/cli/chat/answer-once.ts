import type { ChatBody, Client } from '../../client/index.ts';
import { printable } from '../../errors/index.ts';
import type { Session } from '../session.ts';
import { speed } from './answer.ts';
import { chatBodyOf } from './options.ts';
import type { Conversation } from './state.ts';
import { TokenClock } from './token-clock.ts';

/**
 * Prints one answer as it comes: its text to stdout, its reasoning dimmed to stderr and only on a terminal. Escape sequences of the
 * model reach a pipe as they are, a terminal never.
 */
export async function answerOnce(
  session: Session,
  client: Client,
  conversation: Conversation,
  options: { isVerbose: boolean; responseFormat?: ChatBody['response_format'] },
): Promise<void> {
  const { printer, signal } = session;
  const isTerminal = printer.stdout.isTTY === true;
  const clock = new TokenClock();
  let content = '';
  let reasoning = '';
  let lastShown: 'reasoning' | 'content' | undefined;
  try {
    const body = { ...chatBodyOf(conversation), response_format: options.responseFormat };
    for await (const piece of client.chat(body, signal)) {
      if (piece.type === 'end') {
        const end = clock.end(piece.reason, piece.completionTokens);
        if (printer.isJson) {
          const { promptTokens, completionTokens, cachedTokens } = piece;
          const usage = {
            prompt_tokens: promptTokens,
            cached_tokens: cachedTokens,
            completion_tokens: completionTokens,
          };
          printer.json({ model: conversation.model, content, reasoning, reason: piece.reason, usage });
        } else {
          if (!content.endsWith('\n')) printer.stdout.write('\n');
          if (piece.reason === 'length') printer.warn('The answer reached its longest length.');
        }
        if (options.isVerbose) printer.note(`${promptWords(piece.promptTokens, piece.cachedTokens)}, ${speed(end)}`);
        continue;
      }
      clock.piece();
      if (piece.type === 'tool-call') continue;
      const text = isTerminal ? printable(piece.text) : piece.text;
      if (piece.type === 'reasoning') {
        reasoning += piece.text;
        if (printer.canDraw && isTerminal && !printer.isJson) printer.stderr.write(printer.style.dim(text));
      } else {
        content += piece.text;
        if (lastShown === 'reasoning' && printer.canDraw && isTerminal) printer.stderr.write('\n\n');
        if (!printer.isJson) printer.stdout.write(text);
      }
      lastShown = piece.type;
    }
  } catch (error) {
    // The message must not be glued to half an answer.
    if (lastShown !== undefined && isTerminal) printer.stderr.write('\n');
    throw error;
  }
}

function promptWords(prompt: number, cached: number): string {
  return cached > 0 ? `prompt ${prompt} tokens (${cached} cached)` : `prompt ${prompt} tokens`;
}
