import { Command, type CommandClass } from 'clipanion';
import type { CliContext } from '../command.ts';

export interface Argument {
  /** As help shows it, such as `MODEL`. */
  name: string;
  isRequired: boolean;
  /** Takes all that follow. */
  isRepeated: boolean;
}

export interface OptionSpec {
  /** Such as `-n`, `--lines`. */
  names: string[];
  /** What its value is called; undefined: it takes none. */
  value: string | undefined;
  description: string;
  /** What holds when it is not given, as typed; undefined: nothing. */
  initial: string | undefined;
}

/** What a command takes. */
export interface Signature {
  paths: string[];
  usage: CommandClass['usage'];
  arguments: Argument[];
  options: OptionSpec[];
}

/** Names of values that the name of the option does not give. */
const VALUE_NAMES: Record<string, string> = {
  '--concurrency': 'N',
  '--expires': 'WHEN',
  '--host': 'ADDRESS',
  '--limit': 'N',
  '--lines': 'N',
  '--rate': 'N/TIME',
  '--resume': 'NAME',
  '--set': 'NAME=VALUE',
  '--system': 'TEXT',
  '--think': 'LEVEL',
  '--timeout': 'SECONDS',
  '--to': 'VERSION',
  '--wait': 'TIME',
  '--quantize': 'TYPE',
};

const HELP: OptionSpec = {
  names: ['-h', '--help'],
  value: undefined,
  description: 'Show this help.',
  initial: undefined,
};

/** Reads the signature off a command class: clipanion tells its own usage, in a notation of its own, and nothing else. */
export function signatureOf(command: CommandClass<CliContext>): Signature {
  const signature: Signature = {
    paths: (command.paths ?? []).map((words) => words.join(' ')),
    usage: command.usage,
    arguments: [],
    options: [],
  };
  for (const [key, field] of Object.entries(new command())) {
    if (isDeclaration(field)) field.definition(recorderFor(signature, field), key);
  }
  // Those of all commands come last.
  signature.options.sort((a, b) => rank(a) - rank(b));
  signature.options.push(HELP);
  return signature;
}

interface Declaration {
  definition: (builder: object, key: string) => void;
  transformer: (builder: object, key: string, state: object, context: object) => unknown;
}

function isDeclaration(field: unknown): field is Declaration {
  return typeof field === 'object' && field !== null && Command.isOption in field;
}

/** Stands in for clipanion's builder, which a field tells what it is. */
function recorderFor(signature: Signature, field: Declaration): object {
  const add = (name: string, isRequired: boolean, isRepeated: boolean) =>
    void signature.arguments.push({ name: name.toUpperCase(), isRequired, isRepeated });
  return {
    addPositional: ({ name = 'argument', required = true }) => add(name, required, false),
    addRest: ({ name = 'argument', required = 0 }) => add(name, required > 0, true),
    addProxy: () => add('argument', false, true),
    addOption: (option: { names: string[]; arity?: number; hidden?: boolean; description?: string }) => {
      if (option.hidden === true) return;
      const initial = field.transformer({}, '', { positionals: [], options: [] }, { env: {} });
      signature.options.push({
        names: option.names,
        value: (option.arity ?? 0) > 0 ? valueName(option.names) : undefined,
        description: option.description ?? '',
        initial: typeof initial === 'string' && initial !== '' ? initial : undefined,
      });
    },
  };
}

function valueName(names: string[]): string {
  const name = names.at(-1) ?? '';
  return VALUE_NAMES[name] ?? (name.split('-').at(-1) ?? '').toUpperCase();
}

function rank({ names }: OptionSpec): number {
  return names.includes('--quiet') ? 2 : names.includes('--json') ? 1 : 0;
}

/** Such as `omg run MODEL [PROMPT…]`. */
export function usageLine({ paths, arguments: list }: Signature): string {
  const words = list.map(({ name, isRequired, isRepeated }) => {
    const shown = isRepeated ? `${name}…` : name;
    return isRequired ? shown : `[${shown}]`;
  });
  return ['omg', paths[0] ?? '', ...words].join(' ');
}
