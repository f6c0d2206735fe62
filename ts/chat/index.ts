export type { TemplateAbilities } from './abilities.ts';
export type { ChatFormat } from './chat-format.ts';
export { ChatTemplates, type RenderedPrompt, type TemplateRenderer } from './chat-templates.ts';
export { dropTurns, type FittedPrompt } from './fit-window.ts';
export { limitReasoning } from './reasoning-budget.ts';
export { renderTemplate } from './template-runtime.ts';
export { type SandboxOptions, TemplateSandbox } from './template-sandbox.ts';
export type { ChatHeader } from './template-source.ts';
export { translateEvents } from './translate-events.ts';
