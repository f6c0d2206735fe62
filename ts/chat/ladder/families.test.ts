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

/** What goes wrong in the work of an agent, each of it every few turns. Ends with what a user, or a tool, says. */
function agentConversation(turns: number): ChatMessage[] {
  const messages: ChatMessage[] = [{ role: 'system', content: 'You edit files.' }];
  for (let at = 0; at < turns; at++) {
    const path = `a${at}.ts`;
    const whole = [`{"path":"${path}","n":null}`, ...(at % 3 === 0 ? ['{"list":[1,{"b":1,"10":1.0}]}'] : [])];
    const texts = at % 7 === 0 ? [`{"path": "cut${at}`] : at % 11 === 0 ? [] : at % 13 === 0 ? ['[1]', ''] : whole;
    const calls = texts.map((text, call) => ({ id: `call_${at}_${call}`, name: 'edit', arguments: text }));
    messages.push({ role: 'user', content: at % 17 === 0 ? '' : `Task ${at}` });
    if (at % 9 === 0) messages.push({ role: 'system', content: `Reminder ${at}` });
    if (calls.length > 0) {
      messages.push({
        role: 'assistant',
        content: at % 2 === 0 ? '' : `Look ${at}`,
        ...(at % 4 === 0 ? { contentAbsent: true } : {}),
        ...(at % 5 === 0 ? { reasoning: `Hm ${at}` } : {}),
        toolCalls: calls,
      });
    }
    // An interrupted turn has no results, and those of others come in any order.
    for (const { id } of at % 19 === 0 ? [] : calls.toReversed()) {
      messages.push({
        role: 'tool',
        content: at % 6 === 0 ? '' : `Error: result ${id}`,
        toolCallId: id,
        toolName: 'edit',
      });
    }
    if (at < turns - 1 && at % 8 !== 0)
      messages.push({ role: 'assistant', content: at % 10 === 0 ? '' : `Done ${at}` });
  }
  return messages;
}

describe.runIf(families.length > 0)('no conversation is refused by the template of a family', () => {
  const templates = new ChatTemplates({ run: async (task) => runTask(task), close: async () => {} });
  interface Read {
    header: { chatTemplate: string; metadata: Record<string, never>; specialTokens: Record<string, string> };
    takesTools: boolean;
  }
  async function readFamily(family: string): Promise<Read> {
    const read = (file: string): string => readFileSync(new URL(`${family}/${file}`, folder), 'utf8');
    const { variables } = JSON.parse(read('cases.json')) as { variables: Record<string, unknown> };
    const tokens = Object.entries(variables).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    const header = { chatTemplate: read('template.jinja'), metadata: {}, specialTokens: Object.fromEntries(tokens) };
    const verdict = await templates.abilities(header);
    return { header, takesTools: verdict !== undefined && 'abilities' in verdict && verdict.abilities.tools };
  }

  test.each(families)('%s: an agent works for two hundred turns', async (family) => {
    const { header, takesTools } = await readFamily(family);
    const tools = [
      { name: 'edit', parameters: { type: 'object', properties: { path: { type: ['string', 'null'] } } } },
    ];
    for (const turns of [1, 2, 8, 20, 200]) {
      const messages = agentConversation(turns);
      const request = {
        messages,
        ...(takesTools ? { tools } : {}),
        sampling: {},
        stop: [],
        onOverflow: 'error' as const,
      };
      const { text } = await templates.render(header, request);
      expect([turns, text.includes(`Task ${turns - 1}`) || turns === 1]).toEqual([turns, true]);
    }
  });

  test.each(families)('%s', async (family) => {
    const { header, takesTools } = await readFamily(family);
    for (const { name, variables: given } of conversations) {
      const messages = given.messages.map(chatMessage);
      const request: ChatRequest = {
        messages,
        ...(takesTools && given.tools ? { tools: given.tools.map((tool) => tool.function) } : {}),
        sampling: {},
        stop: [],
        onOverflow: 'error',
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
