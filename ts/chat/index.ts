export type { TemplateAbilities } from './abilities.ts';
export type { ChatFormat } from './chat-format.ts';
export { ChatTemplates, type RenderedPrompt } from './chat-templates.ts';
export { dropTurns, type FittedPrompt } from './fit-window.ts';
export type { ChatHeader } from './template-source.ts';
export { translateEvents } from './translate-events.ts';
