import { describe, expect, test } from 'vitest';
import type { GenerateRequest } from '../../inference/index.ts';
import { completionBody, completionEvents, llamaServerError } from './completion.ts';

const REQUEST: GenerateRequest = { prompt: [], sampling: {}, stop: [] };

/** As a llama-server of August 2026 wrote them for the demo model, without what nobody reads. */
const RECORDED = {
  progress:
    '{"index":0,"content":"","tokens":[0],"stop":false,"id_slot":-1,"tokens_predicted":0,"tokens_evaluated":3,"prompt_progress":{"total":3,"cache":1,"processed":3,"time_ms":4}}',
  first:
    '{"index":0,"content":".\\n","tokens":[303],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":3,"completion_probabilities":[{"id":303,"token":".\\n","bytes":[46,10],"logprob":-0.75,"top_logprobs":[{"id":303,"token":".\\n","bytes":[46,10],"logprob":-0.75}]}]}',
  // Two tokens were one character.
  second:
    '{"index":0,"content":"ü","tokens":[1017],"stop":false,"id_slot":-1,"tokens_predicted":3,"tokens_evaluated":3}',
  last: '{"index":0,"content":"","tokens":[],"id_slot":1,"stop":true,"model":"/srv/secret/demo.gguf","tokens_predicted":4,"tokens_evaluated":3,"generation_settings":{},"prompt":"x","truncated":false,"stop_type":"word","stopping_word":"END","tokens_cached":6,"timings":{"cache_n":1,"prompt_n":2,"prompt_ms":4.5,"predicted_n":4,"predicted_ms":9.25}}',
  overflow:
    '{"error":{"code":400,"message":"request (600 tokens) exceeds the available context size (512 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":600,"n_ctx":512}}',
  grammar:
    '{"error":{"code":400,"message":"Failed to initialize samplers: failed to parse grammar","type":"invalid_request_error"}}',
  noEmbeddings:
    '{"error":{"code":501,"message":"This server does not support embeddings. Start it with `--embeddings`","type":"not_supported_error"}}',
};

async function* stream(...data: string[]): AsyncGenerator<{ data: string }> {
  for (const text of data) yield { data: text };
}

async function read(data: AsyncIterable<{ data: string }>, request = REQUEST): Promise<unknown[]> {
  const events: unknown[] = [];
  const input = { request, promptTokens: 3, contextLength: 512, queueMs: 2 };
  for await (const event of completionEvents(data, input)) events.push(event);
  return events;
}

describe('a completion of llama-server', () => {
  const { progress, first, second, last } = RECORDED;

  test('becomes events, with the cache of its progress, every token counted once, and no path in it', async () => {
    const events = await read(stream(progress, first, second, last), { ...REQUEST, topLogprobs: 0 });
    expect(events).toEqual([
      { type: 'start', promptTokens: 3, cachedTokens: 1 },
      {
        type: 'text',
        text: '.\n',
        tokens: 1,
        logprobs: [{ token: '.\n', tokenId: 303, logprob: -0.75, bytes: [46, 10], top: [] }],
      },
      { type: 'text', text: 'ü', tokens: 2 },
      {
        type: 'end',
        reason: 'stop',
        stopSequence: 'END',
        usage: { promptTokens: 3, cachedTokens: 1, completionTokens: 4 },
        timings: { queueMs: 2, prefillMs: 4.5, decodeMs: 9.25 },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('that ends with the window says so, and one that just ends is an error', async () => {
    const full = last.replace('"word"', '"limit"').replace('"truncated":false', '"truncated":true');
    expect((await read(stream(first, full))).at(-1)).toMatchObject({ reason: 'length', windowFull: true });
    await expect(read(stream(first))).rejects.toMatchObject({ code: 'engine_error' });
    await expect(read(stream(first, RECORDED.overflow))).rejects.toMatchObject({ code: 'context_length_exceeded' });
    await expect(read(stream(first, '{"no'))).rejects.toMatchObject({ code: 'engine_error' });
  });

  test('that is refused has one of our codes', () => {
    const of = (text: string) => llamaServerError(JSON.parse(text), 400);
    expect(of(RECORDED.overflow)).toMatchObject({
      code: 'context_length_exceeded',
      detail: { promptTokens: 600, contextLength: 512 },
    });
    expect(of(RECORDED.grammar).code).toBe('invalid_request');
    expect(of(RECORDED.noEmbeddings).code).toBe('unsupported');
    expect(llamaServerError('<html>', 502).code).toBe('engine_error');
  });

  test('is asked for with our defaults, and for nothing that it cannot do', () => {
    const body = completionBody(
      {
        ...REQUEST,
        maxTokens: 5,
        sampling: {
          logitBias: [
            [7, -100],
            [8, 2],
          ],
        },
      },
      [1, 2],
    );
    expect(body).toMatchObject({ prompt: [1, 2], n_predict: 5, temperature: 0.8, top_k: 40, min_p: 0, seed: -1 });
    expect(body).toMatchObject({
      logit_bias: [
        [7, false],
        [8, 2],
      ],
    });
    expect(() => completionBody({ ...REQUEST, promptLogprobs: true }, [1])).toThrow('does not tell');
    const regex = { ...REQUEST, grammar: { kind: 'regex', pattern: 'a+' } } as const;
    expect(() => completionBody(regex, [1])).toThrow('regular expressions');
    const behind = { kind: 'gbnf', source: 'root ::= "a"', after: { opener: '<tool_call>' } } as const;
    expect(() => completionBody({ ...REQUEST, grammar: behind }, [1])).toThrow('in the middle');
  });
});
