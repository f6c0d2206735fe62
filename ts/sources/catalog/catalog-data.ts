/**
 * The built-in aliases: a short name and tag, and the repository it stands for. `latest` is what the name alone gives. Only families the
 * engine runs, and only repositories that hold a Q4_K_M or, of small models, a better quantisation.
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
    '70b': 'bartowski/Meta-Llama-3.1-70B-Instruct-GGUF',
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
    '270m': 'unsloth/gemma-3-270m-it-GGUF',
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
  qwen: {
    latest: 'Qwen/Qwen1.5-4B-Chat-GGUF',
    '0.5b': 'Qwen/Qwen1.5-0.5B-Chat-GGUF',
    '1.8b': 'Qwen/Qwen1.5-1.8B-Chat-GGUF',
    '4b': 'Qwen/Qwen1.5-4B-Chat-GGUF',
    '7b': 'Qwen/Qwen1.5-7B-Chat-GGUF',
    '14b': 'Qwen/Qwen1.5-14B-Chat-GGUF',
    '32b': 'Qwen/Qwen1.5-32B-Chat-GGUF',
    '72b': 'Qwen/Qwen1.5-72B-Chat-GGUF',
  },
  qwen2: {
    latest: 'Qwen/Qwen2-7B-Instruct-GGUF',
    '0.5b': 'Qwen/Qwen2-0.5B-Instruct-GGUF',
    '1.5b': 'Qwen/Qwen2-1.5B-Instruct-GGUF',
    '7b': 'Qwen/Qwen2-7B-Instruct-GGUF',
  },
  'qwen2.5-coder': {
    latest: 'bartowski/Qwen2.5-Coder-7B-Instruct-GGUF',
    '0.5b': 'bartowski/Qwen2.5-Coder-0.5B-Instruct-GGUF',
    '1.5b': 'bartowski/Qwen2.5-Coder-1.5B-Instruct-GGUF',
    '3b': 'bartowski/Qwen2.5-Coder-3B-Instruct-GGUF',
    '7b': 'bartowski/Qwen2.5-Coder-7B-Instruct-GGUF',
    '14b': 'bartowski/Qwen2.5-Coder-14B-Instruct-GGUF',
    '32b': 'bartowski/Qwen2.5-Coder-32B-Instruct-GGUF',
  },
  qwq: {
    latest: 'bartowski/Qwen_QwQ-32B-GGUF',
    '32b': 'bartowski/Qwen_QwQ-32B-GGUF',
  },
  llama2: {
    latest: 'TheBloke/Llama-2-7B-Chat-GGUF',
    '7b': 'TheBloke/Llama-2-7B-Chat-GGUF',
    '13b': 'TheBloke/Llama-2-13B-Chat-GGUF',
  },
  llama3: {
    latest: 'bartowski/Meta-Llama-3-8B-Instruct-GGUF',
    '8b': 'bartowski/Meta-Llama-3-8B-Instruct-GGUF',
    '70b': 'bartowski/Meta-Llama-3-70B-Instruct-GGUF',
  },
  tinyllama: {
    latest: 'TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF',
    '1.1b': 'TheBloke/TinyLlama-1.1B-Chat-v1.0-GGUF',
  },
  gemma2: {
    latest: 'bartowski/gemma-2-9b-it-GGUF',
    '2b': 'bartowski/gemma-2-2b-it-GGUF',
    '9b': 'bartowski/gemma-2-9b-it-GGUF',
    '27b': 'bartowski/gemma-2-27b-it-GGUF',
  },
  phi3: {
    latest: 'bartowski/Phi-3-mini-4k-instruct-GGUF',
    '3.8b': 'bartowski/Phi-3-mini-4k-instruct-GGUF',
    mini: 'bartowski/Phi-3-mini-4k-instruct-GGUF',
  },
  'deepseek-r1': {
    latest: 'bartowski/DeepSeek-R1-Distill-Llama-8B-GGUF',
    '1.5b': 'bartowski/DeepSeek-R1-Distill-Qwen-1.5B-GGUF',
    '7b': 'bartowski/DeepSeek-R1-Distill-Qwen-7B-GGUF',
    '8b': 'bartowski/DeepSeek-R1-Distill-Llama-8B-GGUF',
    '14b': 'bartowski/DeepSeek-R1-Distill-Qwen-14B-GGUF',
    '32b': 'bartowski/DeepSeek-R1-Distill-Qwen-32B-GGUF',
    '70b': 'bartowski/DeepSeek-R1-Distill-Llama-70B-GGUF',
  },
  'mistral-nemo': {
    latest: 'bartowski/Mistral-Nemo-Instruct-2407-GGUF',
    '12b': 'bartowski/Mistral-Nemo-Instruct-2407-GGUF',
  },
  'mistral-small': {
    latest: 'bartowski/Mistral-Small-24B-Instruct-2501-GGUF',
    '24b': 'bartowski/Mistral-Small-24B-Instruct-2501-GGUF',
  },
  zephyr: {
    latest: 'TheBloke/zephyr-7B-beta-GGUF',
    '7b': 'TheBloke/zephyr-7B-beta-GGUF',
  },
  'nomic-embed-text': {
    latest: 'nomic-ai/nomic-embed-text-v1.5-GGUF',
    'v1.5': 'nomic-ai/nomic-embed-text-v1.5-GGUF',
  },
  'all-minilm': {
    latest: 'second-state/All-MiniLM-L6-v2-Embedding-GGUF',
    'l6-v2': 'second-state/All-MiniLM-L6-v2-Embedding-GGUF',
  },
  'qwen3-embedding': {
    latest: 'Qwen/Qwen3-Embedding-0.6B-GGUF',
    '0.6b': 'Qwen/Qwen3-Embedding-0.6B-GGUF',
    '4b': 'Qwen/Qwen3-Embedding-4B-GGUF',
    '8b': 'Qwen/Qwen3-Embedding-8B-GGUF',
  },
};
