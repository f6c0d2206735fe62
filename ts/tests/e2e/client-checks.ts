import Anthropic from '@anthropic-ai/sdk';
import { ChatOllama, OllamaEmbeddings } from '@langchain/ollama';
import { Client as McpClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { generateText, streamText } from 'ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { createOhMyGpu } from '../../ai-sdk/index.ts';

/** What is shown of an endpoint. `run` gives what the client got; the test says whether that is right. */
export interface Check {
  endpoint: string;
  client: string;
  feature: Feature;
  run(url: string, signal: AbortSignal): Promise<unknown>;
}

/**
 * answer: the whole text at once. stream: the text in pieces. abort: it is begun, aborted by `signal` and must reject or end. error: what
 * the client makes of a model that is not there. list, count: what they give. vectors: those of two texts.
 */
export type Feature = 'answer' | 'stream' | 'abort' | 'error' | 'list' | 'count' | 'vectors';

/** A small encoder that the test imports under this name, and what is made vectors of. */
export const ENCODER = 'encoder';
const TEXTS = ['the cat sat', 'paris is the capital of france'];

const MODEL = 'demo';
const QUESTION = 'What is the capital of France?';
const messages = [{ role: 'user' as const, content: QUESTION }];
/** Goes on until it is stopped, as good as always. */
const LONG = { temperature: 2, max: 100_000 };

const ollama = (url: string): Ollama => new Ollama({ host: url });
const openai = (url: string): OpenAI => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
const docker = (url: string): OpenAI => new OpenAI({ baseURL: `${url}/engines/v1`, apiKey: 'any', maxRetries: 0 });
const anthropic = (url: string): Anthropic => new Anthropic({ baseURL: url, apiKey: 'any', maxRetries: 0 });
const langchain = (url: string, model = MODEL): ChatOllama =>
  new ChatOllama({ baseUrl: url, model, temperature: 0, maxRetries: 0 });

async function joined<Piece>(pieces: AsyncIterable<Piece>, textOf: (piece: Piece) => string): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += textOf(piece);
  return text;
}

function openAiChat(endpoint: string, client: string, of: (url: string) => OpenAI): Check[] {
  const ask = { model: MODEL, messages, temperature: 0 };
  return [
    {
      endpoint,
      client,
      feature: 'answer',
      run: async (url) => (await of(url).chat.completions.create(ask)).choices[0]?.message.content,
    },
    {
      endpoint,
      client,
      feature: 'stream',
      run: async (url) =>
        joined(
          await of(url).chat.completions.create({ ...ask, stream: true }),
          ({ choices }) => choices[0]?.delta.content ?? '',
        ),
    },
    {
      endpoint,
      client,
      feature: 'abort',
      run: async (url, signal) =>
        joined(
          await of(url).chat.completions.create(
            { ...ask, temperature: LONG.temperature, max_tokens: LONG.max, stream: true },
            { signal },
          ),
          () => '',
        ),
    },
    {
      endpoint,
      client,
      feature: 'error',
      run: (url) => of(url).chat.completions.create({ ...ask, model: 'nope' }),
    },
  ];
}

const OLLAMA: Check[] = [
  {
    endpoint: 'POST /api/embed',
    client: 'ollama',
    feature: 'vectors',
    run: async (url) => (await ollama(url).embed({ model: ENCODER, input: TEXTS })).embeddings,
  },
  {
    endpoint: 'POST /api/embed',
    client: 'ollama',
    feature: 'error',
    run: async (url) => ollama(url).embed({ model: 'nope', input: TEXTS }),
  },
  {
    endpoint: 'POST /api/embed',
    client: '@langchain/ollama',
    feature: 'vectors',
    run: async (url) => new OllamaEmbeddings({ baseUrl: url, model: ENCODER, maxRetries: 0 }).embedDocuments(TEXTS),
  },
  {
    endpoint: 'POST /api/chat',
    client: 'ollama',
    feature: 'answer',
    run: async (url) =>
      (await ollama(url).chat({ model: MODEL, messages, options: { temperature: 0 } })).message.content,
  },
  {
    endpoint: 'POST /api/chat',
    client: 'ollama',
    feature: 'stream',
    run: async (url) =>
      joined(
        await ollama(url).chat({ model: MODEL, messages, options: { temperature: 0 }, stream: true }),
        ({ message }) => message.content,
      ),
  },
  {
    endpoint: 'POST /api/chat',
    client: 'ollama',
    feature: 'abort',
    async run(url, signal) {
      const options = { temperature: LONG.temperature, num_predict: LONG.max };
      const stream = await ollama(url).chat({ model: MODEL, messages, options, stream: true });
      signal.addEventListener('abort', () => stream.abort());
      if (signal.aborted) stream.abort();
      return joined(stream, () => '');
    },
  },
  {
    endpoint: 'POST /api/chat',
    client: 'ollama',
    feature: 'error',
    run: (url) => ollama(url).chat({ model: 'nope', messages }),
  },
  {
    endpoint: 'POST /api/generate',
    client: 'ollama',
    feature: 'answer',
    run: async (url) =>
      (await ollama(url).generate({ model: MODEL, prompt: QUESTION, options: { temperature: 0 } })).response,
  },
  {
    endpoint: 'POST /api/generate',
    client: 'ollama',
    feature: 'stream',
    run: async (url) =>
      joined(
        await ollama(url).generate({ model: MODEL, prompt: QUESTION, options: { temperature: 0 }, stream: true }),
        ({ response }) => response ?? '',
      ),
  },
  {
    endpoint: 'GET /api/tags',
    client: 'ollama',
    feature: 'list',
    run: async (url) => (await ollama(url).list()).models.map(({ name }) => name),
  },
  {
    endpoint: 'POST /api/chat',
    client: '@langchain/ollama',
    feature: 'answer',
    run: async (url) => (await langchain(url).invoke(QUESTION)).text,
  },
  {
    endpoint: 'POST /api/chat',
    client: '@langchain/ollama',
    feature: 'stream',
    run: async (url) => joined(await langchain(url).stream(QUESTION), ({ text }) => text),
  },
  {
    endpoint: 'POST /api/chat',
    client: '@langchain/ollama',
    feature: 'error',
    run: (url) => langchain(url, 'nope').invoke(QUESTION),
  },
];

const OPENAI: Check[] = [
  ...['POST /v1/embeddings', 'POST /engines/v1/embeddings'].map(
    (endpoint): Check => ({
      endpoint,
      client: 'openai',
      feature: 'vectors',
      run: async (url) => {
        const client = endpoint.includes('engines') ? docker(url) : openai(url);
        return (await client.embeddings.create({ model: ENCODER, input: TEXTS })).data.map(
          ({ embedding }) => embedding,
        );
      },
    }),
  ),
  ...openAiChat('POST /v1/chat/completions', 'openai', openai),
  {
    endpoint: 'POST /v1/completions',
    client: 'openai',
    feature: 'stream',
    // A text is continued as it stands, so it brings its own question.
    run: async (url) =>
      joined(
        await openai(url).completions.create({
          model: MODEL,
          prompt: 'The capital of France is',
          temperature: 0,
          max_tokens: 8,
          stream: true,
        }),
        ({ choices }) => choices[0]?.text ?? '',
      ),
  },
  {
    endpoint: 'POST /v1/responses',
    client: 'openai',
    feature: 'answer',
    run: async (url) =>
      (await openai(url).responses.create({ model: MODEL, input: QUESTION, temperature: 0 })).output_text,
  },
  {
    endpoint: 'POST /v1/responses',
    client: 'openai',
    feature: 'stream',
    run: async (url) =>
      (await openai(url).responses.stream({ model: MODEL, input: QUESTION, temperature: 0 }).finalResponse())
        .output_text,
  },
  {
    endpoint: 'POST /v1/responses',
    client: 'openai',
    feature: 'error',
    run: (url) => openai(url).responses.create({ model: 'nope', input: QUESTION }),
  },
  {
    endpoint: 'GET /v1/models',
    client: 'openai',
    feature: 'list',
    run: async (url) => (await openai(url).models.list()).data.map(({ id }) => id),
  },
  {
    endpoint: 'POST /v1/chat/completions',
    client: 'ai + ohmygpu/ai-sdk',
    feature: 'answer',
    run: async (url) =>
      (await generateText({ model: createOhMyGpu({ baseURL: `${url}/v1` })(MODEL), prompt: QUESTION, temperature: 0 }))
        .text,
  },
  {
    endpoint: 'POST /v1/chat/completions',
    client: 'ai + ohmygpu/ai-sdk',
    feature: 'stream',
    run: (url) =>
      joined(
        streamText({ model: createOhMyGpu({ baseURL: `${url}/v1` })(MODEL), prompt: QUESTION, temperature: 0 })
          .textStream,
        (text) => text,
      ),
  },
  {
    endpoint: 'POST /v1/chat/completions',
    client: 'ai + ohmygpu/ai-sdk',
    feature: 'error',
    run: (url) =>
      generateText({ model: createOhMyGpu({ baseURL: `${url}/v1` })('nope'), prompt: QUESTION, maxRetries: 0 }),
  },
  ...openAiChat('POST /engines/v1/chat/completions', 'openai', docker),
];

const ask = { model: MODEL, max_tokens: 60, messages, temperature: 0 };
const ANTHROPIC: Check[] = [
  {
    endpoint: 'POST /v1/messages',
    client: '@anthropic-ai/sdk',
    feature: 'answer',
    async run(url) {
      const { content } = await anthropic(url).messages.create(ask);
      return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
    },
  },
  {
    endpoint: 'POST /v1/messages',
    client: '@anthropic-ai/sdk',
    feature: 'stream',
    run: (url) => anthropic(url).messages.stream(ask).finalText(),
  },
  {
    endpoint: 'POST /v1/messages',
    client: '@anthropic-ai/sdk',
    feature: 'abort',
    run: (url, signal) =>
      anthropic(url)
        .messages.stream({ ...ask, temperature: 1, max_tokens: LONG.max }, { signal })
        .finalText(),
  },
  {
    endpoint: 'POST /v1/messages',
    client: '@anthropic-ai/sdk',
    feature: 'error',
    run: (url) => anthropic(url).messages.create({ ...ask, model: 'nope' }),
  },
  {
    endpoint: 'POST /v1/messages/count_tokens',
    client: '@anthropic-ai/sdk',
    feature: 'count',
    run: async (url) => (await anthropic(url).messages.countTokens({ model: MODEL, messages })).input_tokens,
  },
];

async function mcpCall(url: string, args: Record<string, unknown>, signal?: AbortSignal): Promise<unknown> {
  const client = new McpClient({ name: 'check', version: '1' });
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url)));
  try {
    const result = await client.callTool({ name: 'chat', arguments: args }, undefined, { signal });
    if (result.isError === true) throw new Error(JSON.stringify(result.content));
    return (result.structuredContent as { content: string }).content;
  } finally {
    await client.close();
  }
}

const MCP: Check[] = [
  {
    endpoint: 'POST /mcp',
    client: '@modelcontextprotocol/sdk',
    feature: 'answer',
    run: (url) => mcpCall(url, { model: MODEL, prompt: QUESTION, temperature: 0 }),
  },
  {
    endpoint: 'POST /mcp',
    client: '@modelcontextprotocol/sdk',
    feature: 'abort',
    run: (url, signal) =>
      mcpCall(url, { model: MODEL, prompt: QUESTION, temperature: LONG.temperature, max_tokens: LONG.max }, signal),
  },
  {
    endpoint: 'POST /mcp',
    client: '@modelcontextprotocol/sdk',
    feature: 'error',
    run: (url) => mcpCall(url, { model: 'nope', prompt: QUESTION }),
  },
];

export const CHECKS: readonly Check[] = [...OLLAMA, ...OPENAI, ...ANTHROPIC, ...MCP];
