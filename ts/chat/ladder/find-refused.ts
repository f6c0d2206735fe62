import type { Climb } from './ladder.ts';
import { applySteps, STEPS } from './steps.ts';

/** The index of the message without which, and what comes behind it, a template that refuses a conversation would take it. */
export async function findRefused({ draft, write }: Climb): Promise<number> {
  const steps = new Set(STEPS.filter((step) => step !== 'arguments-as-text' && step !== 'content-null'));
  let taken = 0;
  let refused = draft.messages.length;
  while (refused - taken > 1) {
    const count = (taken + refused) >> 1;
    const outcome = await write(applySteps({ ...draft, messages: draft.messages.slice(0, count) }, steps).draft);
    if ('ended' in outcome) break;
    if ('refused' in outcome) refused = count;
    else taken = count;
  }
  return Math.max(0, refused - 1);
}
