import type { ChatRequest } from '../inference/index.ts';
import { type TemplateVariables, templateVariables } from './template-messages.ts';

/** What a template can do, found by rendering it. */
export interface TemplateAbilities {
  system: boolean;
  tools: boolean;
  /** The model can think before it answers. */
  thinking: boolean;
  /** The request can switch thinking off. */
  thinkingSwitch: boolean;
  /** Call ids have to be nine characters long. */
  shortCallIds: boolean;
}

const MARK = 'omgprobe';

/** @param render rejects where the template refuses. */
export async function findAbilities(
  template: string,
  specialTokens: Record<string, string>,
  render: (variables: TemplateVariables) => Promise<string>,
): Promise<TemplateAbilities> {
  const shortCallIds = /length\s*(!=|==)\s*9\b/.test(template);
  const attempt = (request: Partial<ChatRequest>): Promise<string | undefined> =>
    render(
      templateVariables(
        { messages: [{ role: 'user', content: 'Hi' }], sampling: {}, stop: [], overlong: 'error', ...request },
        { specialTokens, systemRole: true, shortCallIds, addGenerationPrompt: true },
      ),
    ).catch(() => undefined);

  const on = await attempt({ think: true });
  const off = await attempt({ think: false });
  const low = await attempt({ think: 'low' });
  const high = await attempt({ think: 'high' });
  const system = await attempt({
    messages: [
      { role: 'system', content: MARK },
      { role: 'user', content: 'Hi' },
    ],
  });
  const tools = await attempt({
    tools: [{ name: MARK, description: 'Probe', parameters: { type: 'object', properties: {} } }],
  });
  const thinkingSwitch = on !== off;
  return {
    system: system?.includes(MARK) ?? false,
    tools: tools?.includes(MARK) ?? false,
    thinking: thinkingSwitch || low !== high || /<\/?think>|\[THINK\]|<\|channel\|>analysis/.test(template),
    thinkingSwitch,
    shortCallIds,
  };
}
