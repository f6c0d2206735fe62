import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ChatMessage, ChatRequest } from '../../inference/index.ts';
import { ChatTemplates } from '../chat-templates.ts';
import { runTask } from '../template-task.ts';

/** Templates in the shapes of the families, and conversations of every kind; several refuse most of them. */
const folder = new URL('../../../crates/omg-template/tests/fixtures/chats/', import.meta.url);
const families = existsSync(folder)
  ? readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  : [];

interface WireMessage {
  role: string;
  content?: string | { text?: string }[] | null;
  tool_calls?: { id: string; function: { name: string; arguments: unknown } }[];
  tool_call_id?: string;
  name?: string;
}

interface Conversation {
  name: string;
  variables: {
    messages: WireMessage[];
    tools?: { function: { name: string; parameters?: Record<string, unknown> } }[] | null;
  };
}

const { conversations } = (
  families.length === 0
    ? { conversations: [] }
    : JSON.parse(readFileSync(new URL('conversations.json', folder), 'utf8'))
) as { conversations: Conversation[] };

function textOf(content: WireMessage['content']): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text ?? '').join('');
}

function chatMessage(message: WireMessage): ChatMessage {
  const { role, tool_calls: calls, tool_call_id: toolCallId, name } = message;
  return {
    role: role === 'developer' ? 'system' : (role as ChatMessage['role']),
    content: textOf(message.content),
    ...((message.content ?? undefined) === undefined ? { contentAbsent: true } : {}),
    ...(calls === undefined
      ? {}
      : {
          toolCalls: calls.map((call) => {
            const { arguments: given } = call.function;
            return {
              id: call.id,
              name: call.function.name,
              arguments: typeof given === 'string' ? given : JSON.stringify(given),
            };
          }),
        }),
    ...(toolCallId === undefined ? {} : { toolCallId }),
    ...(role === 'tool' && name !== undefined ? { toolName: name } : {}),
  };
}

/** Templates trim, and write JSON in their own spacing. */
function letters(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}]/gu, '');
}

describe.runIf(families.length > 0)('no conversation is refused by the template of a family', () => {
  const templates = new ChatTemplates({ run: async (task) => runTask(task), close: async () => {} });
  test.each(families)('%s', async (family) => {
    const read = (file: string): string => readFileSync(new URL(`${family}/${file}`, folder), 'utf8');
    const { variables } = JSON.parse(read('cases.json')) as { variables: Record<string, unknown> };
    const tokens = Object.entries(variables).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    const header = { chatTemplate: read('template.jinja'), metadata: {}, specialTokens: Object.fromEntries(tokens) };
    const verdict = await templates.abilities(header);
    const takesTools = verdict !== undefined && 'abilities' in verdict && verdict.abilities.tools;
    for (const { name, variables: given } of conversations) {
      const messages = given.messages.map(chatMessage);
      const request: ChatRequest = {
        messages,
        ...(takesTools && given.tools ? { tools: given.tools.map((tool) => tool.function) } : {}),
        sampling: {},
        stop: [],
        overlong: 'error',
      };
      const { text } = await templates.render(header, request);
      const prompt = letters(text);
      // Switches such as `/no_think` are read and not written.
      const said = messages
        .filter(({ role }) => role !== 'assistant')
        .map(({ content }) => content.replace('/no_think', ''));
      for (const content of said) expect([name, prompt.includes(letters(content))]).toEqual([name, true]);
    }
  });
});
