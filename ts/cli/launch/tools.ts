/** What a tool is told about the daemon. */
export interface LaunchTarget {
  /** Base address, without a path at its end. */
  url: string;
  model: string;
  /** Empty: the daemon asks for none. */
  apiKey: string;
}

/** How a tool is told: variables, and arguments that come before the user's own. */
export interface Launch {
  environment: Record<string, string>;
  args: string[];
}

export interface LaunchableTool {
  /** The program on the PATH. */
  program: string;
  title: string;
  install: string;
  prepare(target: LaunchTarget): Launch;
}

/** Most tools insist on some key. */
const ANY_KEY = 'ohmygpu';

function openAi({ url, apiKey }: LaunchTarget): Record<string, string> {
  return { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: apiKey || ANY_KEY };
}

function anthropic({ url, apiKey }: LaunchTarget): Record<string, string> {
  // An own key of the user would be sent besides the token, and would win.
  return { ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: apiKey || ANY_KEY, ANTHROPIC_API_KEY: '' };
}

/** A string as TOML writes it. */
const toml = (text: string): string => JSON.stringify(text);

const TOOLS: Record<string, LaunchableTool> = {
  claude: {
    program: 'claude',
    title: 'Claude Code',
    install: 'npm install -g @anthropic-ai/claude-code',
    prepare: (target) => ({
      environment: {
        ...anthropic(target),
        ANTHROPIC_MODEL: target.model,
        // It asks the smaller ones for titles and searches; there is one model here.
        ANTHROPIC_DEFAULT_OPUS_MODEL: target.model,
        ANTHROPIC_DEFAULT_SONNET_MODEL: target.model,
        ANTHROPIC_DEFAULT_HAIKU_MODEL: target.model,
        ANTHROPIC_SMALL_FAST_MODEL: target.model,
      },
      args: [],
    }),
  },
  codex: {
    program: 'codex',
    title: 'Codex',
    install: 'npm install -g @openai/codex',
    prepare: ({ url, model, apiKey }) => {
      const provider = { name: 'ohmygpu', base_url: `${url}/v1`, wire_api: 'responses' };
      const fields = { ...provider, ...(apiKey === '' ? {} : { env_key: 'OMG_API_KEY' }) };
      const settings = [
        `model=${toml(model)}`,
        'model_provider="ohmygpu"',
        ...Object.entries(fields).map(([name, value]) => `model_providers.ohmygpu.${name}=${toml(value)}`),
      ];
      const environment: Record<string, string> = apiKey === '' ? {} : { OMG_API_KEY: apiKey };
      return {
        environment,
        args: settings.flatMap((setting) => ['-c', setting]),
      };
    },
  },
  opencode: {
    program: 'opencode',
    title: 'opencode',
    install: 'npm install -g opencode-ai',
    prepare: ({ url, model, apiKey }) => {
      const options = { baseURL: `${url}/v1`, ...(apiKey === '' ? {} : { apiKey }) };
      const provider = {
        npm: '@ai-sdk/openai-compatible',
        name: 'ohmygpu',
        options,
        models: { [model]: { name: model } },
      };
      const config = { model: `ohmygpu/${model}`, provider: { ohmygpu: provider } };
      return { environment: { OPENCODE_CONFIG_CONTENT: JSON.stringify(config) }, args: [] };
    },
  },
  aider: {
    program: 'aider',
    title: 'aider',
    install: 'python -m pip install aider-install && aider-install',
    prepare: (target) => ({
      environment: {
        OPENAI_API_BASE: `${target.url}/v1`,
        OPENAI_API_KEY: target.apiKey || ANY_KEY,
        AIDER_MODEL: `openai/${target.model}`,
      },
      args: [],
    }),
  },
  goose: {
    program: 'goose',
    title: 'goose',
    install: 'see https://block.github.io/goose',
    prepare: (target) => ({
      environment: {
        GOOSE_PROVIDER: 'openai',
        GOOSE_MODEL: target.model,
        OPENAI_HOST: target.url,
        OPENAI_API_KEY: target.apiKey || ANY_KEY,
      },
      args: [],
    }),
  },
  qwen: {
    program: 'qwen',
    title: 'Qwen Code',
    install: 'npm install -g @qwen-code/qwen-code',
    prepare: (target) => ({ environment: { ...openAi(target), OPENAI_MODEL: target.model }, args: [] }),
  },
};

export const TOOL_NAMES: readonly string[] = Object.keys(TOOLS);

/** The tool of this name. Any other program gets the variables that SDKs of OpenAI, Anthropic and Ollama read. */
export function toolNamed(name: string): LaunchableTool {
  const known = Object.hasOwn(TOOLS, name) ? TOOLS[name] : undefined;
  return (
    known ?? {
      program: name,
      title: name,
      install: 'install it, or check the name',
      prepare: (target) => ({
        environment: { ...openAi(target), OPENAI_MODEL: target.model, ...anthropic(target), OLLAMA_HOST: target.url },
        args: [],
      }),
    }
  );
}
