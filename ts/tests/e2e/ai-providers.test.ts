import { createOpenAI } from '@ai-sdk/openai';
import { generateText, type LanguageModel, Output, streamText, tool } from 'ai';
import { createOllama } from 'ai-sdk-ollama';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type RealDaemon, realDaemon } from './real-daemon.ts';

// The AI SDK over providers that others wrote, with the real engine and the bundled model: only the base URL is ours.

let served: RealDaemon;
beforeAll(async () => {
  served = await realDaemon();
});
afterAll(() => served.stop());

const openai = () => createOpenAI({ baseURL: `${served.url}/v1`, apiKey: 'any' });
const PROVIDERS: [string, () => LanguageModel][] = [
  ['@ai-sdk/openai, Responses', () => openai()('demo')],
  ['@ai-sdk/openai, chat completions', () => openai().chat('demo')],
  ['ai-sdk-ollama', () => createOllama({ baseURL: served.url })('demo')],
];

describe.each(PROVIDERS)('%s', (_name, model) => {
  const question = { prompt: 'What is the capital of France?', temperature: 0 };

  test('answers whole and in pieces', async () => {
    const { text } = await generateText({ model: model(), ...question });
    expect(text).toContain('Paris');
    let streamed = '';
    for await (const piece of streamText({ model: model(), ...question }).textStream) streamed += piece;
    expect(streamed).toBe(text);
  });

  test('gives objects of a schema', async () => {
    const schema = z.object({ country: z.string(), count: z.number().int() });
    const output = Output.object({ schema });
    const answer = await generateText({ model: model(), prompt: 'Tell me of a country.', output });
    expect(schema.safeParse(answer.output).success).toBe(true);
  });

  test('calls tools', async () => {
    const { toolCalls } = await generateText({
      model: model(),
      prompt: 'What is the weather in Paris?',
      temperature: 0,
      tools: {
        get_weather: tool({
          description: 'Get the weather of a city',
          inputSchema: z.object({ city: z.string() }),
        }),
      },
    });
    expect(toolCalls).toMatchObject([{ toolName: 'get_weather', input: { city: 'Paris' } }]);
  });

  test('says that a model is not there', async () => {
    const unknown = model() as Exclude<LanguageModel, string>;
    Object.defineProperty(unknown, 'modelId', { value: 'nope' });
    await expect(generateText({ model: unknown, ...question, maxRetries: 0 })).rejects.toThrow(/nope/);
  });
});
