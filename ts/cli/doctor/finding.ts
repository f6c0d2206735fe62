import type { Hop } from './reach.ts';

/** What one look found. */
export interface Finding {
  name: string;
  /** `skipped` where there is nothing to look at. */
  status: 'ok' | 'warning' | 'failed' | 'skipped';
  detail: string;
  hint?: string;
  /** The steps to a site. */
  hops?: Hop[];
}
