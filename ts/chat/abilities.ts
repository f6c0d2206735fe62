import type { ChatRequest } from '../inference/index.ts';
import { isGoTemplate } from './go-template.ts';
import { type TemplateVariables, templateVariables } from './template-messages.ts';

/** What a template can do, found by rendering it. */
export interface TemplateCapabilities {
  system: boolean;
  tools: boolean;
  /** The tools are a field of the system message and no variable of their own, as in Phi-4-mini. */
  toolsInSystem: boolean;
  /** The model can think before it answers. */
  thinking: boolean;
  /** The request can switch thinking off. */
  thinkingSwitch: boolean;
  /** Call ids have to be nine characters long, or no shorter. */
  shortCallIds: boolean;
  /** It has a place for what stands behind a gap that is to be filled. */
  insert: boolean;
}

export interface TemplateInput {
  template: string;
  specialTokens: Record<string, string>;
  /** What a Go template uses, in lower case; Ollama goes by these names. None for Jinja. */
  names: readonly string[];
  /** Undefined where the template refuses. */
  render: (variables: TemplateVariables) => string | undefined;
}

const MARK = 'omgprobe';

export function findTemplateCapabilities({
  template,
  specialTokens,
  names,
  render,
}: TemplateInput): TemplateCapabilities {
  const shortCallIds = /length\s*(!=|==|<)\s*9\b/.test(template);
  const go = isGoTemplate(template) ? { go: { thinks: false } } : {};
  const attempt = (request: Partial<ChatRequest>, toolsInSystem = false): string | undefined =>
    render(
      templateVariables(
        { messages: [{ role: 'user', content: 'Hi' }], sampling: {}, stop: [], onOverflow: 'error', ...request },
        { specialTokens, toolsInSystem, shortCallIds, addGenerationPrompt: true, ...go },
      ),
    );

  const on = attempt({ think: true });
  const off = attempt({ think: false });
  const low = attempt({ think: 'low' });
  const high = attempt({ think: 'high' });
  const system = attempt({
    messages: [
      { role: 'system', content: MARK },
      { role: 'user', content: 'Hi' },
    ],
  });
  const offer = { tools: [{ name: MARK, description: 'Probe', parameters: { type: 'object', properties: {} } }] };
  const shows = (inSystem: boolean): boolean => attempt(offer, inSystem)?.includes(MARK) ?? false;
  const toolsAlone = shows(false);
  const toolsInSystem = !toolsAlone && shows(true);
  const thinkingSwitch = on !== off;
  return {
    system: system?.includes(MARK) ?? false,
    tools: toolsAlone || toolsInSystem || names.includes('tools'),
    toolsInSystem,
    thinking: thinkingSwitch || low !== high || /<\/?think>|\[THINK\]/.test(template),
    thinkingSwitch,
    shortCallIds,
    insert: names.includes('suffix'),
  };
}
