import { afterAll, beforeAll, expect, test } from 'vitest';
import { exactJson, type GenerateRequest } from '../../inference/index.ts';
import { type TestDaemon, testDaemon } from './serve.ts';

// JavaScript moves keys that are numbers to the front of an object. A model was told another order by the prompt, and answers in the schema's.

const PROPERTIES =
  '{"b":{"type":"integer"},"10":{"type":"integer"},"9":{"type":"boolean"},"a":{"const":12345678901234567890}}';
const SCHEMA = `{"type":"object","properties":${PROPERTIES},"required":["b","10","9","a"],"additionalProperties":false}`;
const MESSAGES = '"messages":[{"role":"user","content":"Go"}]';
const FUNCTION = `{"name":"f","description":"d","parameters":${SCHEMA}}`;

let served: TestDaemon;
beforeAll(async () => {
  served = await testDaemon({ script: { reply: 'ok' } });
  await served.install('tiny');
});
afterAll(() => served.stop());

/** The grammar that the engine was given for a request, as JSON. */
async function grammarOf(path: string, fields: string): Promise<string> {
  const reply = await fetch(served.url + path, { method: 'POST', body: `{"model":"tiny","stream":false,${fields}}` });
  expect(reply.status, await reply.text()).toBe(200);
  const request = served.engine.generations.at(-1)?.request as GenerateRequest;
  expect(request.grammar).toBeDefined();
  return exactJson(request.grammar);
}

test.each([
  [
    '/v1/chat/completions',
    `${MESSAGES},"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":${SCHEMA}}}`,
  ],
  ['/v1/chat/completions', `${MESSAGES},"response_format":{"type":"json_object","schema":${SCHEMA}}`],
  ['/v1/chat/completions', `${MESSAGES},"guided_json":${SCHEMA}`],
  ['/v1/completions', `"prompt":"Go","guided_json":${SCHEMA}`],
  ['/v1/responses', `"input":"Go","text":{"format":{"type":"json_schema","name":"x","schema":${SCHEMA}}}`],
  ['/v1/messages', `${MESSAGES},"max_tokens":9,"output_config":{"format":{"type":"json_schema","schema":${SCHEMA}}}`],
  ['/api/chat', `${MESSAGES},"format":${SCHEMA}`],
  ['/api/generate', `"prompt":"Go","format":${SCHEMA}`],
])('a schema comes to the engine of %s as it was written: %s', async (path, fields) => {
  expect(await grammarOf(path, fields)).toContain(PROPERTIES);
});

test.each([
  ['/v1/chat/completions', `${MESSAGES},"tool_choice":"required","tools":[{"type":"function","function":${FUNCTION}}]`],
  [
    '/v1/messages',
    `${MESSAGES},"max_tokens":9,"tool_choice":{"type":"any"},"tools":[{"name":"f","input_schema":${SCHEMA}}]`,
  ],
  [
    '/v1/responses',
    `"input":"Go","tool_choice":"required","tools":[{"type":"function","name":"f","strict":false,"parameters":${SCHEMA}}]`,
  ],
])('so do the parameters of a tool that must be called on %s', async (path, fields) => {
  expect(await grammarOf(path, fields)).toContain(PROPERTIES);
});
