import { expect, test } from 'vitest';
import { OmgError } from '../errors/index.ts';
import type { ChatEvent, ChatRequest } from '../inference/index.ts';
import { settle } from './clock.ts';
import { errorOf, testModels, textOf } from './test-models.ts';

function request(content: string, rest: Partial<ChatRequest> = {}): ChatRequest {
  return { messages: [{ role: 'user', content }], sampling: {}, stop: [], onOverflow: 'error', ...rest };
}

async function collect(events: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const all: ChatEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const ADD = { name: 'add', parameters: { type: 'object', properties: {} } };

test('a chat goes through the template, and its answer is read', async () => {
  const { manager, engine } = testModels({
    script: {
      reply: '<think>\nSum.\n</think>\n\nOne moment. <tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>',
    },
  });
  const events = await collect(manager.chat('a', request('1+1?', { tools: [ADD], maxTokens: 50 })));
  const types = events.map((event) => event.type).filter((type) => type !== 'tool-call-delta');
  expect(types).toEqual(['start', 'reasoning', 'content', 'content', 'tool-call-start', 'tool-call', 'end']);
  expect(events.at(-1)).toMatchObject({ reason: 'tool-calls' });
  expect(engine.generations[0]?.promptText).toContain('<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n');
  expect(engine.generations[0]?.request.maxTokens).toBe(50);
});

test('streamed and whole give the same text', async () => {
  const { manager } = testModels({ script: { reply: '<think>a b</think> c  d\n' } });
  const events = await collect(manager.chat('a', request('x')));
  const content = events.flatMap((event) => (event.type === 'content' ? event.text : [])).join('');
  expect(content).toBe('c  d\n');
  expect(await textOf(manager.chat('a', request('x')))).toBe(content);
});

test('what the template refuses loads nothing', async () => {
  const { manager, engine } = testModels({ script: { header: { chatTemplate: undefined } } });
  expect((await errorOf(collect(manager.chat('a', request('x'))))).code).toBe('no_chat_template');
  expect(engine.loads).toEqual([]);
  expect((await manager.resolve('a')).details.capabilities).toEqual(['completion']);
});

test('the rendered prompt can be had without a load', async () => {
  const { manager, engine } = testModels();
  const prompt = await manager.renderChat('a', request('Hi', { think: false }));
  expect(prompt.map((segment) => (segment.kind === 'text' ? segment.text : '')).join('')).toBe(
    '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n',
  );
  expect(engine.loads).toEqual([]);
});

test('capabilities come from the header and the template', async () => {
  const { manager } = testModels({
    script: { header: { parameterCount: 8_030_261_248, capabilities: ['completion', 'insert'] } },
  });
  expect((await manager.resolve('a')).details).toMatchObject({
    capabilities: ['completion', 'insert', 'tools', 'thinking'],
    parameterSize: '8.0B',
    family: 'llama',
  });
});

test('a long conversation drops its oldest turns and says so; or is refused where it must not', async () => {
  const { manager, engine } = testModels({ script: { contextLength: 40, reply: 'ok' } });
  const turns = Array.from({ length: 10 }, (_, at) => [
    { role: 'user' as const, content: `question ${at}` },
    { role: 'assistant' as const, content: `answer ${at}` },
  ]).flat();
  const long = { messages: [...turns, { role: 'user' as const, content: 'last question' }], maxTokens: 4 };
  const events = await collect(manager.chat('a', request('', { ...long, onOverflow: 'drop-turns' })));
  expect(events[0]).toMatchObject({
    type: 'start',
    dropped: { messages: expect.any(Number), tokens: expect.any(Number) },
  });
  const start = events[0];
  const sent = engine.generations.at(-1)?.promptText ?? '';
  expect(sent).toContain('last question');
  expect(sent).not.toContain('question 0');
  expect(start?.type === 'start' && start.promptTokens + 4 <= 40).toBe(true);
  expect(start?.type === 'start' && start.dropped && start.dropped.messages % 2).toBe(0);

  const textOfPrompt = async (asked: ChatRequest): Promise<string> =>
    (await manager.renderFitted('a', asked)).map((part) => (part.kind === 'text' ? part.text : '')).join('');
  expect(await textOfPrompt(request('', { ...long, onOverflow: 'drop-turns' }))).toBe(sent);
  expect(await textOfPrompt(request('short', { onOverflow: 'drop-turns' }))).toContain('short');
  expect(await textOfPrompt(request('', { ...long, onOverflow: 'error' }))).toContain('question 0');

  const refused = await errorOf(collect(manager.chat('a', request('', { ...long, onOverflow: 'error' }))));
  expect(refused).toMatchObject({ code: 'context_length_exceeded', detail: { contextLength: 40 } });
  expect(manager.running()).toMatchObject([{ activeRequests: 0 }]);
});

test('a conversation that is being shortened gives its place back as soon as its caller has left', async () => {
  const { manager, engine } = testModels({ script: { contextLength: 40 }, limits: { numParallel: 1 } });
  const load = engine.load.bind(engine);
  let counted = 0;
  engine.load = async (...args) =>
    Object.assign(await load(...args), {
      tokenize: () => {
        counted += 1;
        return new Promise<number[]>(() => {});
      },
    });
  const caller = new AbortController();
  const messages = Array.from({ length: 41 }, (_, at) => ({
    role: at % 2 === 0 ? ('user' as const) : ('assistant' as const),
    content: `words and words ${at}`,
  }));
  const asked = request('', { messages, onOverflow: 'drop-turns' });
  const answer = errorOf(collect(manager.chat('a', asked, { signal: caller.signal })));
  await settle();
  expect([counted, manager.running()[0]?.activeRequests]).toEqual([1, 1]);
  caller.abort();
  expect((await answer).code).toBe('cancelled');
  expect([counted, manager.running()[0]?.activeRequests]).toEqual([1, 0]);
});

test('the list never fails because of one damaged file, and shows what is known of it', async () => {
  const { manager } = testModels({
    script: (path) => (path.includes('/b.') ? { header: { architecture: '' }, inspectError: BROKEN } : {}),
  });
  const list = await manager.list();
  expect(list.map((model) => [model.name, model.details.family])).toEqual([
    ['a:latest', 'llama'],
    ['b:latest', ''],
    ['c:latest', 'llama'],
  ]);
  expect((await errorOf(manager.resolve('b'))).code).toBe('invalid_model_file');
});

const BROKEN = new OmgError('invalid_model_file', 'not a model');
