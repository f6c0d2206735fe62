import type { ChatMessage, ToolDefinition } from '../../inference/index.ts';

/** What a template is given of a request, before it is put into the template's variables. */
export interface Draft {
  messages: ChatMessage[];
  tools: ToolDefinition[];
  spelling: Spelling;
}

/** How the same things are written down for a template. */
export interface Spelling {
  /** Of a message that says nothing beside its calls. */
  emptyContent: 'as-sent' | 'text' | 'null';
  arguments: 'object' | 'text';
  /** Arguments that are no JSON object. */
  malformed: 'text' | 'object';
  /** Arguments that are null. */
  nulls: 'kept' | 'left-out';
}

export const PLAIN_SPELLING: Spelling = {
  emptyContent: 'as-sent',
  arguments: 'object',
  malformed: 'text',
  nulls: 'kept',
};

export function joinTexts(first: string, second: string): string {
  if (first === '' || second === '') return first + second;
  return `${first}\n\n${second}`;
}

export function hasCalls(message: ChatMessage): boolean {
  return (message.toolCalls?.length ?? 0) > 0;
}
