import { z } from 'zod';
import type { ChatBody, ClientMessage } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { defineTool } from '../tool.ts';
import { modelOrOnly, nonEmpty } from './model.ts';

const message = z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });

const input = z.strictObject({
  model: nonEmpty.optional().describe('An installed model; may be left out where only one is loaded or installed.'),
  prompt: z.string().optional().describe('What the user says. Give this or messages.'),
  messages: z.array(message).min(1).optional().describe('A whole conversation, ending with what is to be answered.'),
  system: z.string().optional().describe('Instructions that come before everything else.'),
  max_tokens: z.number().int().min(1).optional().describe('End the answer after so many tokens.'),
  temperature: z.number().min(0).optional().describe('0 always takes the likeliest token.'),
  top_p: z.number().min(0).max(1).optional(),
  seed: z.number().int().optional().describe('The same seed and request give the same answer.'),
  stop: z.array(z.string().min(1)).max(16).optional().describe('Texts that end the answer; they are not part of it.'),
  think: z.union([z.boolean(), z.enum(['low', 'medium', 'high', 'max'])]).optional(),
  schema: z.record(z.string(), z.unknown()).optional().describe('JSON Schema that the answer must follow.'),
});

const output = z.object({
  model: z.string(),
  content: z.string(),
  reasoning: z.string().optional(),
  finish_reason: z.string().describe('`stop`, or `length` where the answer was cut off.'),
  usage: z.object({
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    cached_tokens: z.number().int(),
  }),
});

export const chatTool = defineTool({
  name: 'chat',
  title: 'Chat with a model',
  description: 'Asks a model on this machine, which is loaded when it is not, and gives its whole answer.',
  input,
  output,
  annotations: { readOnlyHint: true },
  async run(asked, { client, signal, progress }) {
    const messages = messagesOf(asked);
    const model = await modelOrOnly(client, asked.model, 'completion');
    progress.report({ progress: 0, total: asked.max_tokens, message: `Waiting for ${model}` });
    const result = { model, content: '', reasoning: '', finish_reason: '', usage: NO_USAGE };
    let pieces = 0;
    for await (const piece of client.chat(bodyOf(asked, model, messages), signal)) {
      if (piece.type === 'content') result.content += piece.text;
      else if (piece.type === 'reasoning') result.reasoning += piece.text;
      else if (piece.type === 'end') {
        result.finish_reason = piece.reason;
        result.usage = {
          prompt_tokens: piece.promptTokens,
          completion_tokens: piece.completionTokens,
          cached_tokens: piece.cachedTokens,
        };
        continue;
      } else continue;
      pieces += 1;
      progress.report({ progress: pieces, total: asked.max_tokens, message: tail(result.content || result.reasoning) });
    }
    const { reasoning, ...answer } = result;
    return reasoning === '' ? answer : { ...answer, reasoning };
  },
  text: ({ content }) => content,
});

const NO_USAGE = { prompt_tokens: 0, completion_tokens: 0, cached_tokens: 0 };
const TAIL_LENGTH = 120;

function messagesOf({ prompt, messages, system }: z.output<typeof input>): ClientMessage[] {
  if ((prompt === undefined) === (messages === undefined)) {
    throw new OmgError('invalid_request', 'Give either prompt or messages.', { detail: { param: 'prompt' } });
  }
  const first: ClientMessage[] = system === undefined ? [] : [{ role: 'system', content: system }];
  return [...first, ...(messages ?? [{ role: 'user' as const, content: prompt ?? '' }])];
}

function bodyOf(asked: z.output<typeof input>, model: string, messages: ClientMessage[]): ChatBody {
  const { temperature, top_p, seed, stop, max_tokens, think, schema } = asked;
  return {
    model,
    messages,
    ...given({ temperature, top_p, seed, stop, max_tokens, think }),
    ...(schema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }),
  };
}

function given<Fields extends object>(fields: Fields): Partial<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Fields>;
}

/** The end of what was said so far, on one line. */
function tail(text: string): string {
  return text.slice(-TAIL_LENGTH).replaceAll(/\s+/g, ' ');
}
