/**
 * Every setting and every environment variable of the product, documented once. No other file reads the environment.
 * `env` lists ours first, then the names of other programs that we honour. A `file: false` entry has no place in config.toml.
 * Only the owner sets them, unless `alsoSetBy` says otherwise: whatever decides who may connect, what is fetched from where, or where
 * files lie is the owner's alone.
 */
export const SETTINGS = {
  'server.host': {
    kind: 'string',
    env: ['OMG_HOST', 'MODEL_RUNNER_HOST'],
    default: '127.0.0.1',
    doc: 'Address to listen on and to talk to; `host:port` also sets the port.',
  },
  'server.port': {
    kind: 'integer',
    min: 0,
    max: 65535,
    env: ['OMG_PORT', 'MODEL_RUNNER_PORT'],
    default: 10692,
    doc: 'TCP port of the daemon.',
  },
  'server.socket': {
    kind: 'string',
    env: ['OMG_SOCKET', 'MODEL_RUNNER_SOCK'],
    default: '',
    doc: 'Path of the Unix socket; empty: daemon.sock in the home folder, `off`: none.',
  },
  'server.api_key': {
    kind: 'secret',
    env: ['OMG_API_KEY'],
    default: '',
    doc: 'A key that may do everything, also the one that commands send; `omg keys` makes others, with less.',
  },
  'server.insecure_no_auth': {
    kind: 'boolean',
    env: ['OMG_INSECURE_NO_AUTH'],
    default: false,
    doc: 'Listen beyond this machine without a key.',
  },
  'server.origins': {
    kind: 'list',
    env: ['OMG_ORIGINS', 'OLLAMA_ORIGINS', 'DMR_ORIGINS'],
    union: true,
    default: [],
    doc: 'Web origins allowed besides the local ones; one * per entry, the single entry * allows all.',
  },
  'server.tls_cert': {
    kind: 'path',
    env: ['OMG_TLS_CERT'],
    default: '',
    doc: 'Certificate with its chain (PEM): the daemon speaks TLS on its TCP port. Read again when it changes.',
  },
  'server.tls_key': {
    kind: 'path',
    env: ['OMG_TLS_KEY'],
    default: '',
    doc: 'Private key of server.tls_cert (PEM).',
  },
  'server.https': {
    kind: 'boolean',
    env: ['OMG_HTTPS'],
    default: false,
    doc: 'Talk to the daemon over TLS, as https:// in OMG_HOST says too; the certificate must be one that this machine trusts.',
  },
  'server.also_ollama_port': {
    kind: 'boolean',
    env: ['OMG_ALSO_OLLAMA_PORT'],
    default: false,
    doc: 'Also listen on 127.0.0.1:11434.',
  },
  'server.drain_timeout': {
    kind: 'duration',
    env: ['OMG_DRAIN_TIMEOUT'],
    default: 30_000,
    doc: 'How long a stopping daemon lets answers finish.',
  },
  'server.unread_timeout': {
    kind: 'duration',
    env: ['OMG_UNREAD_TIMEOUT'],
    default: 60_000,
    doc: 'How long an answer may stand unread before its connection is closed; 10 s at most while others wait for the model.',
  },
  'server.disable_metrics': {
    kind: 'boolean',
    env: ['OMG_DISABLE_METRICS', 'DISABLE_METRICS'],
    default: false,
    doc: 'Count nothing, and answer /metrics with 404.',
  },
  'models.dir': {
    kind: 'path',
    env: ['OMG_MODELS', 'MODELS_PATH', 'HFTOOL_MODELS_DIR'],
    default: '',
    doc: 'Folder of the model store; empty: models/ in the home folder.',
  },
  'models.auto_download': {
    kind: 'boolean',
    env: ['OMG_AUTO_DOWNLOAD', 'HFTOOL_AUTO_DOWNLOAD'],
    default: false,
    doc: '`omg run` downloads a model that is not installed without asking, for scripts.',
  },
  'models.keep_alive': {
    kind: 'duration',
    env: ['OMG_KEEP_ALIVE', 'OLLAMA_KEEP_ALIVE'],
    alsoSetBy: ['manage', 'project'],
    default: 300_000,
    doc: 'How long an idle model stays in memory; negative: forever. In the environment a bare number is seconds.',
  },
  'models.max_queue': {
    kind: 'integer',
    min: 0,
    env: ['OMG_MAX_QUEUE', 'OLLAMA_MAX_QUEUE'],
    alsoSetBy: ['manage', 'project'],
    default: 512,
    doc: 'Requests that may wait for one model.',
  },
  'models.num_parallel': {
    kind: 'integer',
    min: 1,
    max: 256,
    env: ['OMG_NUM_PARALLEL', 'OLLAMA_NUM_PARALLEL'],
    alsoSetBy: ['manage', 'project'],
    default: 4,
    doc: 'Requests one model answers at once.',
  },
  'models.max_loaded': {
    kind: 'integer',
    min: 0,
    env: ['OMG_MAX_LOADED_MODELS', 'OLLAMA_MAX_LOADED_MODELS'],
    alsoSetBy: ['manage', 'project'],
    default: 0,
    doc: 'Models in memory at once; 0: as many as fit.',
  },
  'models.context_length': {
    kind: 'integer',
    min: 0,
    env: ['OMG_CONTEXT_LENGTH', 'OLLAMA_CONTEXT_LENGTH'],
    alsoSetBy: ['manage', 'project'],
    default: 0,
    doc: 'Default context window in tokens; 0: what fits, at most 32768.',
  },
  'models.load_timeout': {
    kind: 'duration',
    env: ['OMG_LOAD_TIMEOUT', 'OLLAMA_LOAD_TIMEOUT'],
    alsoSetBy: ['manage', 'project'],
    default: 300_000,
    doc: 'A load without progress for this long is given up.',
  },
  'models.device': {
    kind: 'string',
    form: { pattern: /^(auto|cpu|metal|cuda:\d{1,3})$/, words: 'auto, cpu, cuda:N or metal' },
    env: ['OMG_DEVICE'],
    alsoSetBy: ['manage', 'project'],
    default: 'auto',
    doc: 'Where models run: auto, cpu, cuda:N or metal.',
  },
  'models.threads': {
    kind: 'integer',
    min: 0,
    max: 1024,
    env: ['OMG_THREADS'],
    alsoSetBy: ['manage', 'project'],
    default: 0,
    doc: 'CPU threads of a model; 0: all physical cores.',
  },
  'models.kv_cache_type': {
    kind: 'string',
    env: ['OMG_KV_CACHE_TYPE', 'OLLAMA_KV_CACHE_TYPE'],
    alsoSetBy: ['manage', 'project'],
    default: 'f16',
    doc: 'Type of the KV cache; only f16 exists, others give a warning at start.',
  },
  'engines.default': {
    kind: 'choice',
    of: ['native', 'llama-server'],
    env: ['OMG_ENGINE'],
    default: 'native',
    doc: 'Engine of models for which none is chosen: native, or llama-server of this machine.',
  },
  'engines.llama_server': {
    kind: 'path',
    env: ['OMG_LLAMA_SERVER', 'LLAMA_SERVER_PATH'],
    default: '',
    doc: 'The llama-server binary or its folder; empty: an installed one, then that on the PATH.',
  },
  'engines.llama_args': {
    kind: 'string',
    env: ['OMG_LLAMA_ARGS', 'LLAMA_ARGS'],
    default: '',
    doc: 'How llama-server loads models, in its own flags, such as `--ctx-size 4096 --n-gpu-layers 99`; only known options are taken.',
  },
  'hub.endpoint': {
    kind: 'url',
    env: ['HF_ENDPOINT'],
    default: 'https://huggingface.co',
    doc: 'Address of Hugging Face, or of a mirror.',
  },
  'hub.token': {
    kind: 'secret',
    env: ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'],
    default: '',
    doc: 'Hugging Face access token, sent to that host only.',
  },
  'hub.token_file': {
    kind: 'path',
    env: ['HF_TOKEN_PATH'],
    default: '',
    doc: 'File with the access token where none is set, as `hf auth login` writes it; empty: token in the Hugging Face home.',
  },
  'hub.cache': {
    kind: 'path',
    env: ['HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE'],
    default: '',
    doc: 'Hugging Face cache to adopt files from; empty: hub/ in its home.',
  },
  'hub.home': {
    kind: 'path',
    env: ['HF_HOME'],
    default: '',
    doc: 'Home of the Hugging Face tools; empty: ~/.cache/huggingface.',
  },
  'hub.ollama_models': {
    kind: 'path',
    env: ['OLLAMA_MODELS'],
    default: '',
    doc: 'Ollama’s model folder to adopt files from; empty: ~/.ollama/models.',
  },
  'hub.https_proxy': {
    kind: 'secret',
    env: ['HTTPS_PROXY', 'https_proxy'],
    default: '',
    doc: 'Proxy for https addresses.',
  },
  'hub.http_proxy': {
    kind: 'secret',
    env: ['HTTP_PROXY', 'http_proxy'],
    default: '',
    doc: 'Proxy for http addresses.',
  },
  'hub.no_proxy': {
    kind: 'string',
    env: ['NO_PROXY', 'no_proxy'],
    default: '',
    doc: 'Hosts reached without the proxy, comma-separated.',
  },
  'update.registry': {
    kind: 'url',
    env: ['OMG_NPM_REGISTRY', 'npm_config_registry'],
    default: 'https://registry.npmjs.org',
    doc: 'npm registry that `omg update` and `omg backend install` fetch from.',
  },
  'update.releases': {
    kind: 'url',
    env: ['OMG_RELEASES'],
    default: 'https://github.com/ohmygpu/ohmygpu/releases',
    doc: 'Site of the release archives, with the addresses that GitHub has.',
  },
  'log.level': {
    kind: 'choice',
    of: ['trace', 'debug', 'info', 'warn', 'error'],
    env: ['OMG_LOG_LEVEL'],
    alsoSetBy: ['manage', 'project'],
    default: 'info',
    doc: 'What the log holds.',
  },
  'log.debug': {
    kind: 'boolean',
    env: ['OMG_DEBUG', 'OLLAMA_DEBUG', 'HFTOOL_DEBUG', 'DEBUG'],
    alsoSetBy: ['manage', 'project'],
    default: false,
    doc: 'Short for log.level = "debug".',
  },
  'log.file': {
    kind: 'path',
    env: ['OMG_LOG_FILE', 'HFTOOL_LOG_FILE'],
    default: '',
    doc: 'Log of a daemon in the background; empty: logs/daemon.log in the home folder.',
  },
  'api.ollama_version': {
    kind: 'string',
    env: ['OMG_OLLAMA_VERSION'],
    alsoSetBy: ['manage', 'project'],
    default: '0.33.0',
    doc: 'Ollama version that /api/version reports.',
  },
  'api.reasoning_field': {
    kind: 'choice',
    of: ['both', 'reasoning', 'reasoning_content'],
    env: ['OMG_REASONING_FIELD'],
    alsoSetBy: ['manage', 'project'],
    default: 'both',
    doc: 'Field that carries reasoning on /v1/chat/completions.',
  },
  'api.claude_model': {
    kind: 'string',
    env: ['OMG_CLAUDE_MODEL'],
    alsoSetBy: ['manage', 'project'],
    default: '',
    doc: 'Model that answers on /v1/messages to claude-* names that are not installed; empty: none.',
  },
  'compat.templated_completions': {
    kind: 'boolean',
    env: ['OMG_TEMPLATED_COMPLETIONS'],
    alsoSetBy: ['manage', 'project'],
    default: false,
    doc: 'Run /v1/completions through the chat template, as Ollama does.',
  },
  home: {
    kind: 'path',
    env: ['OMG_HOME'],
    file: false,
    default: '',
    doc: 'Home folder; empty: ~/.config/ohmygpu, on Windows %APPDATA%\\ohmygpu.',
  },
  'system.appdata': {
    kind: 'path',
    env: ['APPDATA'],
    file: false,
    default: '',
    doc: 'Windows: folder that holds the home folder.',
  },
  'system.no_color': {
    kind: 'string',
    env: ['NO_COLOR'],
    file: false,
    default: '',
    doc: 'Any value: no colours in the terminal.',
  },
  'system.force_color': {
    kind: 'string',
    env: ['FORCE_COLOR'],
    file: false,
    default: '',
    doc: 'Any value but 0: colours also when not in a terminal.',
  },
  'system.ci': {
    kind: 'string',
    env: ['CI'],
    file: false,
    default: '',
    doc: 'Set on build machines: nothing interactive.',
  },
  'system.term': {
    kind: 'string',
    env: ['TERM'],
    file: false,
    default: '',
    doc: 'Terminal type; `dumb` means plain output.',
  },
  'system.shell': {
    kind: 'string',
    env: ['SHELL'],
    file: false,
    default: '',
    doc: 'Shell that completion is made for when none is named.',
  },
  'system.docker_config': {
    kind: 'path',
    env: ['DOCKER_CONFIG'],
    file: false,
    default: '',
    doc: "Folder of docker's configuration, where `omg docker-plugin` puts its plugins; empty: ~/.docker.",
  },
} as const satisfies Record<string, SettingSpec>;

/** Variables of other programs that we know and that change nothing here, and why. Set, they are told of once. */
export const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  OLLAMA_HOST: 'it may name a real Ollama; OMG_HOST sets the address',
  OLLAMA_FLASH_ATTENTION: 'attention is computed in blocks always',
  OLLAMA_NOPRUNE: 'nothing is deleted at the start; `omg gc` does it',
  OLLAMA_NOHISTORY: 'the chat keeps its history in the home folder',
  OLLAMA_SCHED_SPREAD: 'a model runs on one device',
  OLLAMA_GPU_OVERHEAD: 'memory is planned by what is free',
  OLLAMA_LLM_LIBRARY: '`models.device` chooses where models run',
  OLLAMA_MULTIUSER_CACHE: 'prompts of all users share one cache',
  OLLAMA_NEW_ENGINE: 'there is one engine',
  OLLAMA_TMPDIR: 'nothing is unpacked',
  HFTOOL_MULTI_GPU: 'a model runs on one device',
  HFTOOL_CPU_OFFLOAD: 'a model runs on one device as a whole',
  HFTOOL_ROCM_PATH: 'AMD GPUs are not supported',
  LLAMA_SERVER_VERSION: 'nothing updates itself; `engines.llama_server` names the binary',
};

/** `manage`: over TCP, whoever may change what is installed and loaded. `project`: the `.omg/config.toml` of a folder. */
export type SettingParty = 'manage' | 'project';

interface SettingBase {
  env: readonly string[];
  doc: string;
  file?: false;
  /** Who else may set it; absent: the owner alone. */
  alsoSetBy?: readonly SettingParty[];
  /** The values of all variables are joined; otherwise the first that is set wins. */
  union?: true;
}

export type SettingSpec = SettingBase &
  (
    | { kind: 'string'; default: string; form?: { pattern: RegExp; words: string } }
    | { kind: 'secret' | 'path' | 'url'; default: string }
    | { kind: 'integer'; default: number; min?: number; max?: number }
    | { kind: 'duration'; default: number }
    | { kind: 'boolean'; default: boolean }
    | { kind: 'list'; default: readonly string[] }
    | { kind: 'choice'; of: readonly string[]; default: string }
  );

export type SettingKey = keyof typeof SETTINGS;

type ValueOf<S> = S extends { kind: 'integer' | 'duration' }
  ? number
  : S extends { kind: 'boolean' }
    ? boolean
    : S extends { kind: 'list' }
      ? string[]
      : S extends { kind: 'choice'; of: readonly (infer Choice)[] }
        ? Choice
        : string;

/** All settings by key. Durations are milliseconds, Infinity is forever. */
export type Settings = { [Key in SettingKey]: ValueOf<(typeof SETTINGS)[Key]> };
export type SettingValue = string | number | boolean | string[];

/** What the table says about a setting. */
export function specOf(key: SettingKey): SettingSpec {
  return SETTINGS[key];
}

/** Whether somebody besides the owner may set it. */
export function maySet(party: SettingParty, key: SettingKey): boolean {
  return specOf(key).alsoSetBy?.includes(party) === true;
}

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key);
}
