import type { ChatMessage } from '../../inference/index.ts';
import { type Draft, hasCalls } from './draft.ts';

/** The draft with a mark for each thing that is said in it, small enough to be rendered beside it. */
export interface Skeleton {
  draft: Draft;
  marks: string[];
}

/** Whether the conversation has a shape that templates are known to drop parts of: anything but questions and answers in turn. */
export function isUnusual({ messages }: Draft): boolean {
  return messages.some((message, at) => {
    if (message.role === 'system') return at > 0;
    return message.role === 'tool' || hasCalls(message) || message.role === messages[at - 1]?.role;
  });
}

/** What an assistant says beside its calls has no mark: the templates of many families leave it out on purpose. */
export function skeletonOf(draft: Draft): Skeleton {
  const marks: string[] = [];
  const mark = (): string => {
    const text = `omgmark${marks.length}x`;
    marks.push(text);
    return text;
  };
  const messages = draft.messages.map((message): ChatMessage => {
    const { reasoning: _, ...rest } = message;
    if (hasCalls(message)) {
      const toolCalls = message.toolCalls?.map((call) => ({ ...call, arguments: marked(call.arguments, mark()) }));
      return { ...rest, content: message.content === '' ? '' : 'Text', toolCalls };
    }
    return { ...rest, content: message.content.trim() === '' ? message.content : mark() };
  });
  const tools = draft.tools.slice(0, 1).map(({ name }) => ({ name, description: name }));
  return { draft: { ...draft, messages, tools }, marks };
}

function marked(argumentText: string, mark: string): string {
  return argumentText.trimEnd().endsWith('}') ? JSON.stringify({ value: mark }) : mark;
}
