import { existsSync } from 'node:fs';
import { inCheckout } from '../setup/checkout.mjs';

/** What to run: `{ rust, typescript, crate, filters }` from the arguments of `npm test`. */
export function planOf(args) {
  if (args.length === 0) return { rust: true, typescript: true, crate: undefined, filters: [] };
  if (args[0] === 'rust') return { rust: true, typescript: false, crate: undefined, filters: [] };
  if (args[0] === 'ts') return { rust: false, typescript: true, crate: undefined, filters: args.slice(1) };
  const isCrate = /^omg-[a-z]+$/.test(args[0]) && existsSync(inCheckout('crates', args[0]));
  if (isCrate) return { rust: true, typescript: false, crate: args[0], filters: [] };
  return { rust: false, typescript: true, crate: undefined, filters: args };
}
