/** What a command is called elsewhere, and here. Words of Ollama, docker, npm, apt and of everyday speech. */
const MEANINGS: Record<string, readonly string[]> = {
  pull: ['download', 'get', 'fetch', 'install', 'add', 'clone'],
  rm: ['delete', 'del', 'uninstall', 'erase', 'rmi'],
  run: ['ask', 'generate', 'gen', 'prompt', 'exec', 'complete', 'bench', 'benchmark'],
  chat: ['talk', 'repl', 'shell'],
  list: ['models-list', 'images', 'installed'],
  search: ['find', 'browse', 'hub'],
  show: ['describe', 'details', 'modelinfo'],
  ps: ['top', 'running', 'loaded', 'who'],
  stop: ['unload', 'kill', 'free'],
  cp: ['copy', 'rename', 'clone-model'],
  create: ['build', 'make', 'package', 'convert', 'quantize'],
  gc: ['prune', 'clean', 'cleanup', 'vacuum'],
  df: ['du', 'disk', 'usage'],
  serve: ['start', 'server', 'daemon', 'up'],
  'serve stop': ['shutdown', 'down', 'quit', 'exit'],
  'serve status': ['state', 'health'],
  logs: ['log', 'tail', 'journal'],
  config: ['settings', 'set', 'env', 'options', 'preferences'],
  keys: ['key', 'apikey', 'api-key', 'token', 'auth'],
  'config set hub.token': ['login', 'signin', 'logout'],
  service: ['autostart', 'enable', 'daemonize'],
  update: ['upgrade', 'self-update'],
  doctor: ['check', 'diagnose', 'debug', 'verify', 'test'],
  backend: ['engine', 'cuda', 'gpu'],
  launch: ['open', 'tool', 'tools', 'claude', 'codex', 'opencode', 'aider', 'goose', 'qwen'],
};

const COMMAND_OF = new Map(
  Object.entries(MEANINGS).flatMap(([command, words]) => words.map((word): [string, string] => [word, command])),
);

/** The command that a word of another program stands for; undefined when it is no such word. */
export function commandMeant(word: string): string | undefined {
  return COMMAND_OF.get(word.toLowerCase());
}
