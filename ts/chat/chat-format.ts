import type { ToolDefinition } from '../inference/index.ts';

/** How the text of one answer is to be read. */
export interface ChatFormat {
  reasoning?: { open: string; close: string };
  /** The prompt ends inside a reasoning span. */
  reasoningOpened: boolean;
}

export interface FormatClues {
  template: string;
  /** As rendered; its end tells whether a span is open. */
  prompt: string;
  prefill: string | undefined;
  tools: ToolDefinition[];
}

const REASONING_TAGS = [
  { open: '<think>', close: '</think>' },
  { open: '[THINK]', close: '[/THINK]' },
];

export function formatOf({ template, prompt, prefill }: FormatClues): ChatFormat {
  const tags = REASONING_TAGS.find(({ open, close }) => template.includes(close) || template.includes(open));
  if (tags === undefined) return { reasoningOpened: false };
  const tail = prefill ?? prompt.trimEnd().slice(-tags.open.length);
  return { reasoning: tags, reasoningOpened: tail.lastIndexOf(tags.open) > tail.lastIndexOf(tags.close) };
}
