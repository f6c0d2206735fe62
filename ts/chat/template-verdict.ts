import type { TemplateCapabilities } from './abilities.ts';

/** What a template can do, or in a few words why it is not used. */
export type TemplateVerdict =
  | { abilities: TemplateCapabilities }
  /** Not `lasting`: the machine may be to blame, and it is tried again after a while. */
  | {
      unusable: string;
      lasting: boolean;
      /** Milliseconds of the epoch; a later daemon finds out anew after that. */
      until?: number;
    };
