import { createHash } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where things are. All absolute. */
export interface Paths {
  home: string;
  models: string;
  configFile: string;
  pidFile: string;
  /** What is known of the API keys. */
  keysFile: string;
  /** Unix socket or Windows named pipe; undefined when switched off. */
  socket: string | undefined;
  /** Addons that `omg backend install` brought. */
  backends: string;
  logs: string;
  logFile: string;
  /** Stores of other programs whose files can be used instead of a download. */
  huggingFaceCache: string;
  /** Where `hf auth login` keeps the token. */
  huggingFaceToken: string;
  ollamaModels: string;
}

/** Longest Unix socket path that every platform takes (macOS: 104 bytes with the closing zero). */
const SOCKET_PATH_BYTES = 103;

export interface PathInputs {
  home: string;
  appdata: string;
  modelsDir: string;
  socket: string;
  huggingFaceHome: string;
  huggingFaceCache: string;
  huggingFaceToken: string;
  ollamaModels: string;
  logFile?: string;
  platform?: NodeJS.Platform;
}

export function homeFolder(inputs: Pick<PathInputs, 'home' | 'appdata' | 'platform'>): string {
  if (inputs.home !== '') return resolve(expandHome(inputs.home));
  if ((inputs.platform ?? process.platform) === 'win32') {
    return join(inputs.appdata === '' ? join(homedir(), 'AppData', 'Roaming') : inputs.appdata, 'ohmygpu');
  }
  return join(homedir(), '.config', 'ohmygpu');
}

export function resolvePaths(inputs: PathInputs): Paths {
  const home = homeFolder(inputs);
  const logs = join(home, 'logs');
  const huggingFaceHome = chosen(inputs.huggingFaceHome, join(homedir(), '.cache', 'huggingface'));
  return {
    home,
    models: inputs.modelsDir === '' ? join(home, 'models') : resolve(expandHome(inputs.modelsDir)),
    configFile: join(home, 'config.toml'),
    pidFile: join(home, 'daemon.pid'),
    keysFile: join(home, 'keys.json'),
    socket: socketPath(home, inputs.socket, inputs.platform ?? process.platform),
    backends: join(home, 'backends'),
    logs,
    logFile: chosen(inputs.logFile ?? '', join(logs, 'daemon.log')),
    huggingFaceCache: chosen(inputs.huggingFaceCache, join(huggingFaceHome, 'hub')),
    huggingFaceToken: chosen(inputs.huggingFaceToken, join(huggingFaceHome, 'token')),
    ollamaModels: chosen(inputs.ollamaModels, join(homedir(), '.ollama', 'models')),
  };
}

function socketPath(home: string, setting: string, platform: NodeJS.Platform): string | undefined {
  if (setting === 'off') return undefined;
  if (setting !== '') return platform === 'win32' ? setting : resolve(expandHome(setting));
  const key = createHash('sha256').update(home).digest('hex').slice(0, 16);
  if (platform === 'win32') return `\\\\.\\pipe\\ohmygpu-${key}`;
  const path = join(home, 'daemon.sock');
  // A home deeper than a socket path may be long: daemon and client compute the same short path instead.
  return Buffer.byteLength(path) <= SOCKET_PATH_BYTES ? path : join(tmpdir(), `ohmygpu-${key}.sock`);
}

function chosen(setting: string, fallback: string): string {
  return setting === '' ? fallback : resolve(expandHome(setting));
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
