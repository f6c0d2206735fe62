import type { ChatMessage } from '../../inference/index.ts';

/**
 * Gives every tool result the id and the name of the call it answers: by its id (the last such call wins), else by its name,
 * else in order. Many clients send neither. Messages are changed in place.
 */
export function pairToolResults(messages: ChatMessage[]): void {
  const calls: { id: string; name: string; answered: boolean }[] = [];
  for (const message of messages) {
    for (const call of message.toolCalls ?? []) calls.push({ id: call.id, name: call.name, answered: false });
    if (message.role !== 'tool') continue;
    const open = calls.filter((call) => !call.answered);
    const match =
      message.toolCallId === undefined
        ? (open.find((call) => call.name === message.toolName) ??
          (message.toolName === undefined ? open[0] : undefined))
        : calls.findLast((call) => call.id === message.toolCallId);
    if (match === undefined) continue;
    match.answered = true;
    message.toolCallId ??= match.id;
    message.toolName ??= match.name;
  }
}
