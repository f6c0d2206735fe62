/**
 * The built-in aliases: a short name and tag, and the repository it stands for. `latest` is what the name alone gives. Only families the
 * engine runs, and only repositories that hold a Q4_K_M.
 */
export const CATALOG: Record<string, Record<string, string>> = {
  qwen3: {
    latest: 'unsloth/Qwen3-8B-GGUF',
    '0.6b': 'unsloth/Qwen3-0.6B-GGUF',
    '1.7b': 'unsloth/Qwen3-1.7B-GGUF',
    '4b': 'unsloth/Qwen3-4B-GGUF',
    '8b': 'unsloth/Qwen3-8B-GGUF',
    '14b': 'unsloth/Qwen3-14B-GGUF',
    '32b': 'unsloth/Qwen3-32B-GGUF',
  },
  'qwen2.5': {
    latest: 'bartowski/Qwen2.5-7B-Instruct-GGUF',
    '0.5b': 'bartowski/Qwen2.5-0.5B-Instruct-GGUF',
    '1.5b': 'bartowski/Qwen2.5-1.5B-Instruct-GGUF',
    '3b': 'bartowski/Qwen2.5-3B-Instruct-GGUF',
    '7b': 'bartowski/Qwen2.5-7B-Instruct-GGUF',
    '14b': 'bartowski/Qwen2.5-14B-Instruct-GGUF',
    '32b': 'bartowski/Qwen2.5-32B-Instruct-GGUF',
  },
  'llama3.1': {
    latest: 'bartowski/Meta-Llama-3.1-8B-Instruct-GGUF',
    '8b': 'bartowski/Meta-Llama-3.1-8B-Instruct-GGUF',
  },
  'llama3.2': {
    latest: 'bartowski/Llama-3.2-3B-Instruct-GGUF',
    '1b': 'bartowski/Llama-3.2-1B-Instruct-GGUF',
    '3b': 'bartowski/Llama-3.2-3B-Instruct-GGUF',
  },
  'llama3.3': {
    latest: 'bartowski/Llama-3.3-70B-Instruct-GGUF',
    '70b': 'bartowski/Llama-3.3-70B-Instruct-GGUF',
  },
  gemma3: {
    latest: 'ggml-org/gemma-3-4b-it-GGUF',
    '1b': 'ggml-org/gemma-3-1b-it-GGUF',
    '4b': 'ggml-org/gemma-3-4b-it-GGUF',
    '12b': 'ggml-org/gemma-3-12b-it-GGUF',
    '27b': 'ggml-org/gemma-3-27b-it-GGUF',
  },
  phi4: {
    latest: 'bartowski/phi-4-GGUF',
    '14b': 'bartowski/phi-4-GGUF',
  },
  'phi4-mini': {
    latest: 'unsloth/Phi-4-mini-instruct-GGUF',
    '3.8b': 'unsloth/Phi-4-mini-instruct-GGUF',
  },
  'phi3.5': {
    latest: 'bartowski/Phi-3.5-mini-instruct-GGUF',
    '3.8b': 'bartowski/Phi-3.5-mini-instruct-GGUF',
  },
  mistral: {
    latest: 'bartowski/Mistral-7B-Instruct-v0.3-GGUF',
    '7b': 'bartowski/Mistral-7B-Instruct-v0.3-GGUF',
  },
  smollm2: {
    latest: 'bartowski/SmolLM2-1.7B-Instruct-GGUF',
    '135m': 'bartowski/SmolLM2-135M-Instruct-GGUF',
    '360m': 'bartowski/SmolLM2-360M-Instruct-GGUF',
    '1.7b': 'bartowski/SmolLM2-1.7B-Instruct-GGUF',
  },
};
