import type { ChatMessage } from '../../inference/index.ts';
import { fillResults, orderResults, splitCalls, tellCalls, tellOrphans } from './calls.ts';
import { type Draft, hasCalls, type Spelling } from './draft.ts';
import { foldSystem } from './fold-system.ts';
import { plainTools } from './plain-schemas.ts';
import { dropEmpty, fillTurns, mergeRuns } from './turns.ts';

/** Steps in the order in which they are tried: first what says the same, last what says it in other words. */
export const STEPS = [
  'content-filled',
  'content-null',
  'arguments-as-text',
  'roles-merged',
  'system-folded',
  'results-ordered',
  'calls-split',
  'empty-left-out',
  'turns-filled',
  'results-filled',
  'results-as-text',
  'arguments-wrapped',
  'nulls-left-out',
  'schemas-simplified',
  'system-in-user',
  'calls-as-text',
] as const;

export type Step = (typeof STEPS)[number];

type Apply = (draft: Draft) => Draft;

/** In the order in which they are applied, whichever are. Each gives the draft itself where it has nothing to do. */
const APPLIED: [Step, Apply][] = [
  ['results-ordered', onMessages(orderResults)],
  ['results-filled', onMessages(fillResults)],
  ['results-as-text', onMessages(tellOrphans)],
  ['calls-split', onMessages(splitCalls)],
  ['calls-as-text', onMessages(tellCalls)],
  ['empty-left-out', onMessages(dropEmpty)],
  ['system-folded', onMessages((messages) => foldSystem(messages, true))],
  ['system-in-user', onMessages((messages) => foldSystem(messages, false))],
  ['turns-filled', onMessages(fillTurns)],
  ['roles-merged', onMessages(mergeRuns)],
  ['content-filled', spelled({ emptyContent: 'text' }, ({ messages }) => messages.some(lacksContent))],
  ['content-null', spelled({ emptyContent: 'null' }, ({ messages }) => messages.some(saysNothing))],
  ['arguments-as-text', spelled({ arguments: 'text' }, ({ messages }) => messages.some(hasCalls))],
  ['arguments-wrapped', spelled({ malformed: 'object' }, ({ messages }) => messages.some(hasCalls))],
  ['nulls-left-out', spelled({ nulls: 'left-out' }, ({ messages }) => messages.some(namesNull))],
  ['schemas-simplified', (draft) => (draft.tools.length === 0 ? draft : { ...draft, tools: plainTools(draft.tools) })],
];

/** The draft after some steps, and those of them that changed it. */
export function applySteps(draft: Draft, steps: ReadonlySet<Step>): { draft: Draft; changed: Step[] } {
  let current = draft;
  const changed: Step[] = [];
  for (const [step, apply] of APPLIED) {
    if (!steps.has(step)) continue;
    const next = apply(current);
    if (next !== current) changed.push(step);
    current = next;
  }
  return { draft: current, changed };
}

function onMessages(change: (messages: ChatMessage[]) => ChatMessage[]): Apply {
  return (draft) => {
    const messages = change(draft.messages);
    return same(messages, draft.messages) ? draft : { ...draft, messages };
  };
}

function same(one: ChatMessage[], other: ChatMessage[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((message, at) => message === other[at] || isCopy(message, other[at]));
}

function isCopy(one: ChatMessage, other: ChatMessage | undefined): boolean {
  return other?.role === one.role && other.content === one.content && other.toolCalls === one.toolCalls;
}

function spelled(spelling: Partial<Spelling>, applies: (draft: Draft) => boolean): Apply {
  return (draft) => (applies(draft) ? { ...draft, spelling: { ...draft.spelling, ...spelling } } : draft);
}

function lacksContent({ contentAbsent }: ChatMessage): boolean {
  return contentAbsent === true;
}

function saysNothing(message: ChatMessage): boolean {
  return message.content === '' && hasCalls(message);
}

function namesNull({ toolCalls = [] }: ChatMessage): boolean {
  return toolCalls.some((call) => /:\s*null\b/.test(call.arguments));
}
