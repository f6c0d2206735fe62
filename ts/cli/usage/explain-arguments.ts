import { OmgError } from '../../errors/index.ts';
import { didYouMean } from '../suggest.ts';
import { type OptionSpec, type Signature, usageLine } from './signature.ts';

/** A command line that its command does not take. */
export interface Misfit {
  signature: Signature;
  /** The words that named the command, without `omg`. */
  path: readonly string[];
  /** What stood behind them. */
  rest: readonly string[];
  /** Words that might have followed to name another command, such as `create` behind `keys`. */
  members: readonly string[];
}

/** Names what is unknown, malformed, too much or missing, in the order in which a person reads the line. */
export function explainArguments({ signature, path, rest, members }: Misfit): OmgError {
  const usage = `Usage: ${usageLine({ ...signature, paths: [path.join(' ')] })}`;
  const refuse = (message: string, hint = usage) => new OmgError('invalid_request', message, { hint });
  const given: string[] = [];
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (word === '--') {
      given.push(...rest.slice(at + 1));
      break;
    }
    if (!isOption(word)) {
      given.push(word);
      continue;
    }
    const [name = '', bound] = splitOnce(word);
    const option = optionNamed(signature, name);
    if (option === undefined) {
      if (bound === undefined && areFlags(signature, name)) continue;
      const near = didYouMean(
        name,
        signature.options.flatMap(({ names }) => names),
      );
      const help = `\`omg ${path.join(' ')} --help\` lists the options.`;
      return refuse(`Unknown option ${name}.`, near === undefined ? help : `Did you mean ${near}?`);
    }
    if (option.value === undefined) {
      if (bound !== undefined) return refuse(`${name} takes no value.`);
      continue;
    }
    if (bound !== undefined) continue;
    const next = rest[at + 1];
    if (next === undefined || isOption(next)) {
      const bind = `Write \`${option.names.at(-1)}=${next ?? option.value}\` for a value that begins with a dash.`;
      const isNumber = next !== undefined && /^-\d/.test(next);
      return refuse(`${name} needs a value: ${option.value}.`, isNumber ? bind : usage);
    }
    at += 1;
  }
  return explainWords({ signature, path, rest: given, members }, refuse);
}

function explainWords(
  { signature, path, rest, members }: Misfit,
  refuse: (message: string, hint?: string) => OmgError,
): OmgError {
  const { arguments: taken } = signature;
  const takesMore = taken.some(({ isRepeated }) => isRepeated);
  const extra = takesMore ? undefined : rest[taken.length];
  if (extra !== undefined && taken.length === 0 && members.length > 0) {
    return refuse(`There is no \`omg ${[...path, extra].join(' ')}\`.`, memberHint(path, members, extra));
  }
  if (extra !== undefined) return refuse(`Unexpected argument \`${extra}\`.`);
  const missing = taken.filter(({ isRequired }) => isRequired).slice(rest.length);
  if (missing.length > 0) return refuse(`Missing ${missing.map(({ name }) => name).join(' and ')}.`);
  return refuse('The arguments do not fit the command.');
}

/** What there is in place of a word that is no member of a group. */
export function memberHint(path: readonly string[], members: readonly string[], word: string): string {
  const near = didYouMean(word, members);
  if (near !== undefined) return `Did you mean \`omg ${[...path, near].join(' ')}\`?`;
  return `There is: ${members.map((member) => `omg ${[...path, member].join(' ')}`).join(', ')}.`;
}

function isOption(word: string): boolean {
  return word.length > 1 && word.startsWith('-');
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function optionNamed({ options }: Signature, name: string): OptionSpec | undefined {
  return options.find(({ names }) => names.includes(name));
}

/** Several short flags in one word, such as `-qd`. */
function areFlags(signature: Signature, word: string): boolean {
  if (!/^-[a-zA-Z]{2,}$/.test(word)) return false;
  return Array.from(word.slice(1)).every((letter) => {
    const option = optionNamed(signature, `-${letter}`);
    return option !== undefined && option.value === undefined;
  });
}
