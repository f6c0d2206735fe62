import type { ToolDefinition } from '../inference/index.ts';
import type { CallFormat } from './answer/call-reader.ts';
import type { ReasoningTags } from './answer/reasoning-splitter.ts';

/** How the text of one answer is to be read. */
export interface ChatFormat {
  /** The answer is messages on channels, as gpt-oss writes them; then nothing else here says how to read it. */
  harmony?: boolean;
  reasoning?: ReasoningTags;
  /** Tags around what is said, which say nothing themselves. */
  contentTags?: string[];
  /** The prompt ends inside a reasoning span. */
  reasoningOpened: boolean;
  /** Absent when the request offers no tools: then nothing is a call. */
  calls?: CallFormat;
  tools: ToolDefinition[];
  /** The tags are special tokens of the tokenizer, which an engine does not print unless asked to. */
  keepSpecialTokens: boolean;
}

export interface FormatInput {
  template: string;
  /** As rendered; its end tells whether a span is open. */
  prompt: string;
  prefill: string | undefined;
  tools: ToolDefinition[];
}

interface Known<T> {
  /** Text that a template of this kind contains. */
  sign: string;
  special: boolean;
  format: T;
}

const REASONING: Known<ReasoningTags>[] = [
  // Gemma 4
  { sign: '<|channel>', special: true, format: { open: '<|channel>thought', close: '<channel|>' } },
  // Command A
  { sign: '<|START_THINKING|>', special: true, format: { open: '<|START_THINKING|>', close: '<|END_THINKING|>' } },
  // Apertus
  { sign: '<|inner_prefix|>', special: true, format: { open: '<|inner_prefix|>', close: '<|inner_suffix|>' } },
  // Seed-OSS
  { sign: '<seed:think>', special: false, format: { open: '<seed:think>', close: '</seed:think>' } },
  { sign: '</think>', special: false, format: { open: '<think>', close: '</think>' } },
  { sign: '<think>', special: false, format: { open: '<think>', close: '</think>' } },
  { sign: '[THINK]', special: true, format: { open: '[THINK]', close: '[/THINK]' } },
];

/** gpt-oss: the whole answer is messages on channels. */
const HARMONY_SIGN = '<|channel|>';
const HARMONY_REASONING: ReasoningTags = {
  open: '<|channel|>analysis<|message|>',
  close: '<|end|>',
  closing: '<|end|><|start|>assistant<|channel|>final<|message|>',
};

const DEEPSEEK: CallFormat = {
  open: ['<｜tool▁calls▁begin｜>', '<｜tool▁call▁begin｜>'],
  close: ['<｜tool▁call▁end｜>', '<｜tool▁calls▁end｜>'],
  bare: false,
};
/** Hermes, Qwen, GLM-4.5, Granite 4; Qwen3-Coder sometimes leaves the outer tag out. */
const HERMES: CallFormat = { open: ['<tool_call>', '<function='], close: ['</tool_call>'], bare: false };
/** Hunyuan and Jamba put a list between the outer tags, Hy 2 one tagged call after the other. */
const TOOL_CALLS: CallFormat = {
  open: ['<tool_calls>', '<tool_call>'],
  close: ['</tool_call>', '</tool_calls>'],
  bare: false,
};
const PIPED: CallFormat = { open: ['<|tool_call|>'], close: ['<|/tool_call|>'], bare: false };
const LFM2: CallFormat = { open: ['<|tool_call_start|>'], close: ['<|tool_call_end|>'], bare: false };

/** DeepSeek since V3.2. */
const DSML: CallFormat = {
  open: ['<｜DSML｜function_calls>', '<｜DSML｜tool_calls>'],
  close: ['</｜DSML｜function_calls>', '</｜DSML｜tool_calls>'],
  bare: false,
};
const KIMI: CallFormat = {
  open: ['<|tool_calls_section_begin|>', '<|tool_call_begin|>'],
  close: ['<|tool_call_end|>', '<|tool_calls_section_end|>'],
  bare: false,
};

/** The first sign that a template contains decides. */
const CALLS: Known<CallFormat>[] = [
  { sign: '<｜DSML｜', special: true, format: DSML },
  { sign: '<|tool_call_begin|>', special: true, format: KIMI },
  { sign: '<minimax:tool_call>', special: true, format: tagged('<minimax:tool_call>', '</minimax:tool_call>') },
  { sign: '<seed:tool_call>', special: true, format: tagged('<seed:tool_call>', '</seed:tool_call>') },
  { sign: '<|START_ACTION|>', special: true, format: tagged('<|START_ACTION|>', '<|END_ACTION|>') },
  { sign: '<|tools_prefix|>', special: true, format: tagged('<|tools_prefix|>', '<|tools_suffix|>') },
  { sign: '<|action_start|>', special: true, format: tagged('<|action_start|><|plugin|>', '<|action_end|>') },
  { sign: '<|python_start|>', special: true, format: { ...tagged('<|python_start|>', '<|python_end|>'), bare: true } },
  { sign: '<TOOLCALL>', special: false, format: tagged('<TOOLCALL>', '</TOOLCALL>') },
  { sign: '<function_calls>', special: false, format: tagged('<function_calls>', '</function_calls>') },
  { sign: '<tool_calls>', special: false, format: TOOL_CALLS },
  { sign: '<｜tool▁call▁begin｜>', special: true, format: DEEPSEEK },
  { sign: '<start_function_call>', special: true, format: tagged('<start_function_call>', '<end_function_call>') },
  { sign: '<|tool_call>', special: true, format: tagged('<|tool_call>', '<tool_call|>') },
  { sign: '<|tool_call_start|>', special: true, format: LFM2 },
  { sign: '<|tool_list_start|>', special: true, format: LFM2 },
  { sign: '<tool_call>', special: false, format: HERMES },
  { sign: '[TOOL_CALLS]', special: true, format: tagged('[TOOL_CALLS]') },
  { sign: '<|tool_call|>', special: true, format: PIPED },
  // Phi-4-mini names only the list it is given.
  { sign: '<|tool|>', special: true, format: { ...PIPED, bare: true } },
  { sign: '<|python_tag|>', special: true, format: { open: ['<|python_tag|>'], bare: true } },
];

/** Tags around the text of an answer, by a sign of the templates that have them. */
const CONTENT_TAGS: { sign: string; tags: string[] }[] = [
  { sign: '<|START_RESPONSE|>', tags: ['<|START_RESPONSE|>', '<|END_RESPONSE|>', '<|START_TEXT|>', '<|END_TEXT|>'] },
  { sign: '<answer>', tags: ['<answer>', '</answer>'] },
  { sign: '<response>', tags: ['<response>', '</response>'] },
];

/** Llama 3 names no tag in some templates and answers with JSON alone; the same suits templates of unknown kind. */
const UNKNOWN_CALLS: CallFormat = { ...HERMES, open: ['<tool_call>', '<|python_tag|>'], bare: true };

function tagged(open: string, close?: string): CallFormat {
  return { open: [open], ...(close === undefined ? {} : { close: [close] }), bare: false };
}

export function formatOf({ template, prompt, prefill, tools }: FormatInput): ChatFormat {
  if (template.includes(HARMONY_SIGN) && template.includes('<|message|>')) {
    return { harmony: true, reasoning: HARMONY_REASONING, reasoningOpened: false, tools, keepSpecialTokens: true };
  }
  const reasoning = REASONING.find(({ sign }) => template.includes(sign));
  const calls = tools.length === 0 ? undefined : CALLS.find(({ sign }) => template.includes(sign));
  const contentTags = CONTENT_TAGS.find(({ sign }) => template.includes(sign))?.tags;
  const tail = prefill ?? prompt.trimEnd().slice(-(reasoning?.format.open.length ?? 0));
  return {
    ...(reasoning === undefined ? {} : { reasoning: reasoning.format }),
    ...(contentTags === undefined ? {} : { contentTags }),
    reasoningOpened:
      reasoning !== undefined && tail.lastIndexOf(reasoning.format.open) > tail.lastIndexOf(reasoning.format.close),
    ...(tools.length === 0 ? {} : { calls: calls?.format ?? UNKNOWN_CALLS }),
    tools,
    keepSpecialTokens: (reasoning?.special ?? false) || (calls?.special ?? false),
  };
}
