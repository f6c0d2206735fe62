/** What a reader of `/docs` is told about a route, beside the schema of its body. */
export interface RouteDoc {
  summary: string;
  /** What comes back; absent: one JSON object. */
  answer?: string;
  /** Parameters of the query, with what each does. */
  query?: Record<string, string>;
  /** A body that works with the bundled model, as JSON. */
  example?: object;
  /** What stands in the path of the example in place of its parameters, or behind it as a query. */
  path?: string;
}

const model = 'demo';
const messages = [{ role: 'user', content: 'Say hello.' }];
const NDJSON = 'Lines of JSON as they come; one object with `"stream": false`.';
const SSE = 'One object; server-sent events with `"stream": true`.';
const DOCUMENTS = { model: 'RERANKER', query: 'What is a panda?', documents: ['A bear.', 'A car.'] };

const DOCS: Record<string, RouteDoc> = {
  'GET /': { summary: 'Say that the daemon runs', answer: 'One line of text.' },
  'POST /api/chat': { summary: 'Answer a chat', answer: NDJSON, example: { model, messages, stream: false } },
  'POST /api/generate': {
    summary: 'Answer a prompt, or continue a text with `"raw": true`',
    answer: NDJSON,
    example: { model, prompt: 'Say hello.', stream: false },
  },
  'POST /api/embed': { summary: 'Turn texts into embeddings', example: { model: 'EMBEDDER', input: ['one', 'two'] } },
  'POST /api/embeddings': {
    summary: 'Turn a text into an embedding, in the older form',
    example: { model: 'EMBEDDER', prompt: 'one' },
  },
  'GET /api/tags': { summary: 'List the installed models' },
  'GET /api/ps': { summary: 'List the loaded models' },
  'POST /api/show': { summary: 'Show the details of a model', example: { model } },
  'POST /api/pull': { summary: 'Download a model', answer: NDJSON, example: { model, stream: false } },
  'POST /api/create': {
    summary: 'Create a model from another one, or from uploaded files',
    answer: NDJSON,
    example: { model: 'terse', from: model, system: 'Answer in one word.', stream: false },
  },
  'POST /api/copy': { summary: 'Give a model another name', example: { source: model, destination: 'copy' } },
  'DELETE /api/delete': { summary: 'Remove a model', example: { model: 'copy' } },
  'POST /api/blobs/{digest}': { summary: 'Upload a file for `/api/create`', path: '/api/blobs/sha256:DIGEST' },
  'GET /api/version': { summary: 'The Ollama version whose API this is' },
  'GET /api/status': { summary: 'Whether cloud models are on: they never are' },
  'GET /api/experimental/model-recommendations': { summary: 'Models that Ollama recommends: none' },
  'POST /v1/chat/completions': { summary: 'Answer a chat', answer: SSE, example: { model, messages } },
  'POST /v1/completions': {
    summary: 'Continue a text',
    answer: SSE,
    example: { model, prompt: 'Once', max_tokens: 8 },
  },
  'POST /v1/embeddings': { summary: 'Turn texts into embeddings', example: { model: 'EMBEDDER', input: 'one' } },
  'POST /v1/rerank': { summary: 'Rank documents by how well they answer a query', example: DOCUMENTS },
  'POST /v1/score': { summary: 'Score documents by how well they answer a query', example: DOCUMENTS },
  'POST /v1/responses': {
    summary: 'Answer with a response that is kept',
    answer: SSE,
    example: { model, input: 'Hi' },
  },
  'GET /v1/responses/{id}': {
    summary: 'Get a kept response',
    query: { stream: '`true`: its events again.' },
    path: '/v1/responses/ID',
  },
  'DELETE /v1/responses/{id}': { summary: 'Forget a kept response', path: '/v1/responses/ID' },
  'GET /v1/responses/{id}/input_items': {
    summary: 'List what a kept response was asked',
    query: { limit: 'Most items to return.', after: 'Begin after this item.', order: '`asc` or `desc`.' },
    path: '/v1/responses/ID/input_items',
  },
  'GET /v1/models': { summary: 'List the installed models' },
  'GET /v1/models/{name}': { summary: 'Show one installed model', path: '/v1/models/demo' },
  'DELETE /v1/models/{name}': { summary: 'Remove a model', path: '/v1/models/copy' },
  'POST /v1/messages': { summary: 'Answer messages', answer: SSE, example: { model, max_tokens: 64, messages } },
  'POST /v1/messages/count_tokens': { summary: 'Count the tokens of messages', example: { model, messages } },
  'POST /v1/models/pull': { summary: 'Download a model', answer: NDJSON, example: { model, stream: false } },
  'GET /v1/models/pull/{id}': { summary: 'Show how a download goes', path: '/v1/models/pull/ID' },
  'DELETE /v1/models/pull/{id}': { summary: 'Stop a download; what has come is kept', path: '/v1/models/pull/ID' },
  'POST /v1/models/preview': {
    summary: 'Show what a download would fetch, and whether it would run',
    example: { model: 'qwen3:0.6b' },
  },
  'POST /v1/plan': { summary: 'Show how much memory a model would need', example: { model } },
  'GET /v1/plan': {
    summary: 'Show how much memory a model would need',
    query: {
      model: 'Its name.',
      context_length: 'Context window in tokens.',
      max_sequences: 'Requests at once.',
      device: 'auto, cpu, metal or cuda:N.',
    },
    path: '/v1/plan?model=demo',
  },
  'POST /tokenize': { summary: 'Turn a text into tokens', example: { model, content: 'Hello' } },
  'POST /detokenize': { summary: 'Turn tokens into a text', example: { model, tokens: [1, 2] } },
  'POST /apply-template': { summary: 'The prompt that a chat becomes', example: { model, messages } },
  'GET /models': { summary: 'List the installed models' },
  'POST /models/create': { summary: 'Download a model', answer: NDJSON, example: { from: 'ai/qwen3' } },
  'GET /models/{name}': {
    summary: 'Show one model',
    query: { remote: '`true`: ask Hugging Face about one that is not installed.' },
    path: '/models/demo',
  },
  'POST /models/{name}': {
    summary: 'Give a model another name (`/models/NAME/tag`), or set its context window (`/models/NAME/repackage`)',
    query: { repo: 'The other name.', tag: 'Its tag.' },
    path: '/models/demo/tag?repo=copy&tag=latest',
  },
  'DELETE /models/{name}': {
    summary: 'Remove a model',
    query: { force: '`true`: also one that is in use.' },
    path: '/models/copy',
  },
  'DELETE /models/purge': { summary: 'Remove all models' },
  'GET /engines/status': { summary: 'The state of the engine, by the names of backends that docker knows' },
  'GET /engines/ps': { summary: 'List the loaded models' },
  'GET /engines/df': { summary: 'Show the disk space used by models' },
  'GET /engines/_configure': { summary: 'List how models are set to be loaded', query: { model: 'Only this one.' } },
  'POST /engines/_configure': {
    summary: 'Set how a model is loaded, and load it',
    example: { model, 'context-size': 2048 },
  },
  'POST /engines/unload': { summary: 'Unload models', example: { models: [model] } },
  'POST /engines/install-backend': {
    summary: 'Accepted for docker’s client: the engine comes with omg',
    example: { backend: 'llama.cpp' },
  },
  'POST /engines/uninstall-backend': {
    summary: 'Refused: the engine comes with omg',
    example: { backend: 'llama.cpp' },
  },
  'POST /mcp': {
    summary: 'The Model Context Protocol over Streamable HTTP',
    example: { jsonrpc: '2.0', id: 1, method: 'ping' },
  },
  'GET /mcp': { summary: 'Messages of the server to an MCP session', answer: 'Server-sent events.' },
  'DELETE /mcp': { summary: 'End an MCP session' },
  'GET /metrics': { summary: 'Counters for Prometheus', answer: 'Text in the format of Prometheus.' },
  'GET /health': { summary: 'Whether the daemon answers; needs no key' },
  'GET /version': { summary: 'The version of omg' },
  'GET /openapi.json': { summary: 'This description' },
  'GET /docs': { summary: 'This description, to read', answer: 'A page.' },
  'GET /ohmygpu/v1/health': { summary: 'Whether the daemon answers' },
  'GET /ohmygpu/v1/status': { summary: 'What the daemon does, where, and since when' },
  'GET /ohmygpu/v1/hardware': { summary: 'What models can run on' },
  'GET /ohmygpu/v1/catalog': { summary: 'Short names that can be downloaded' },
  'GET /ohmygpu/v1/config': { summary: 'The settings, and where each comes from' },
  'PATCH /ohmygpu/v1/config': { summary: 'Change settings', example: { 'models.keep_alive': '10m' } },
  'GET /ohmygpu/v1/events': {
    summary: 'What happens in the daemon, as it happens',
    answer: 'Server-sent events, or a WebSocket.',
  },
  'GET /ohmygpu/v1/models': {
    summary: 'List the models that are installed or on their way',
    query: { installed: '`true`: only installed ones.' },
  },
  'GET /ohmygpu/v1/models/{name}': { summary: 'Show one model', path: '/ohmygpu/v1/models/demo' },
  'POST /ohmygpu/v1/models/{name}': {
    summary: 'Load a model (`/NAME/start`) or unload it (`/NAME/stop`)',
    query: { wait: '`true`: answer when it is loaded.', timeout: 'Seconds to wait.' },
    path: '/ohmygpu/v1/models/demo/start?wait=true',
  },
  'POST /ohmygpu/v1/models/gc': { summary: 'Delete files that no model uses', example: { dry_run: true } },
  'POST /ohmygpu/v1/models/import': {
    summary: 'Add a model from this machine',
    example: { path: '/models/tiny.gguf' },
  },
  'GET /ohmygpu/v1/aliases': { summary: 'List your own short names' },
  'PUT /ohmygpu/v1/aliases': {
    summary: 'Set a short name of your own, or remove it with `"target": null`',
    example: { alias: 'fast', target: model },
  },
  'GET /ohmygpu/v1/search': {
    summary: 'Search models on Hugging Face',
    query: { q: 'Words to look for.', limit: 'Most results to return.' },
    path: '/ohmygpu/v1/search?q=qwen3',
  },
  'POST /ohmygpu/v1/shutdown': { summary: 'Stop the daemon once its answers are finished' },
};

/** Known so that clients get an answer they understand, and with nothing behind them yet. */
const NOT_THERE = new Set([
  'POST /v1/audio/transcriptions',
  'POST /v1/audio/translations',
  'POST /v1/audio/speech',
  'POST /v1/images/generations',
  'POST /api/push',
  'POST /api/me',
  'POST /api/signout',
  'POST /models/load',
  'GET /engines/requests',
]);

/** The route that an alias stands for: inference is there below `/engines` and `/anthropic`, and in part without the version. */
function originalOf(path: string): string {
  const shared = /^(?:\/engines(?:\/\{backend\})?|\/anthropic)(\/v1\/.+)$/.exec(path)?.[1];
  if (shared !== undefined) return shared;
  const bare = /^(?:\/engines(?:\/\{backend\})?)?(\/(?:rerank|score|responses(?:\/.*)?))$/.exec(path)?.[1];
  if (bare !== undefined) return `/v1${bare}`;
  return path.replace('/engines/{backend}/', '/engines/');
}

/** What is known about a route by its path in the description; undefined where nothing is written yet. */
export function docOf(method: string, path: string): RouteDoc | undefined {
  const doc = DOCS[`${method} ${originalOf(path)}`];
  // An alias is called by its own path.
  return doc?.path === undefined || originalOf(path) === path ? doc : { ...doc, path: aliasPath(path, doc.path) };
}

/** Whether there is something behind a route. */
export function isThere(method: string, path: string): boolean {
  return !NOT_THERE.has(`${method} ${originalOf(path)}`);
}

function aliasPath(path: string, example: string): string {
  const tail = example.replace(/^\/v1/, '');
  return path.includes('/v1/') ? path.slice(0, path.indexOf('/v1/')) + example : tail;
}
