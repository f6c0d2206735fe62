import type { ChatBody, Client } from '../../client/index.ts';
import { printable } from '../../errors/index.ts';
import type { Session } from '../session.ts';
import { answerEnd, speed, THINKING } from './answer.ts';
import { answerOf } from './raw.ts';
import { lengthNotice } from './reducer.ts';
import type { Conversation } from './state.ts';

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
  const showsThoughts = printer.canDraw && isTerminal && !printer.isJson;
  let content = '';
  let reasoning = '';
  let lastShown: 'reasoning' | 'content' | undefined;
  try {
    const { responseFormat } = options;
    const onRaw = () => printer.note(`${conversation.model} has no chat template: it goes on with the text.`);
    for await (const piece of answerOf(client, conversation, signal, { responseFormat, onRaw })) {
      if (piece.type === 'end') {
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
          if (piece.reason === 'length')
            printer.warn(lengthNotice({ content, reasoning }, conversation.settings.num_predict));
        }
        if (options.isVerbose)
          printer.note(`${promptWords(piece.promptTokens, piece.cachedTokens)}, ${speed(answerEnd(piece))}`);
        continue;
      }
      if (piece.type === 'tool-call') continue;
      const text = isTerminal ? printable(piece.text) : piece.text;
      if (piece.type === 'reasoning') {
        if (showsThoughts)
          printer.stderr.write(printer.style.dim(reasoning === '' ? `${THINKING}\n${text.trimStart()}` : text));
        reasoning += piece.text;
      } else {
        content += piece.text;
        if (lastShown === 'reasoning' && showsThoughts)
          printer.stderr.write(`\n${printer.style.dim('…done thinking.')}\n\n`);
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
