import { reduce } from './reducer.ts';
import type { Action, ChatState, Effect } from './state.ts';

/** Holds the state of a chat, hands actions to the reducer and effects to whoever carries them out. */
export interface ChatStore {
  state: () => ChatState;
  subscribe: (listener: () => void) => () => void;
  dispatch: (action: Action) => void;
}

export function createChatStore(initial: ChatState, perform: (effect: Effect) => void): ChatStore {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    state: () => current,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    dispatch: (action) => {
      const { state, effects } = reduce(current, action);
      const isChanged = state !== current;
      current = state;
      if (isChanged) for (const listener of listeners) listener();
      for (const effect of effects) perform(effect);
    },
  };
}
