import { OmgError } from '../../errors/index.ts';
import { type LlamaServerOption, type LlamaServerOptions, llamaServerOptions } from './options.ts';

/** How one version of llama-server spells an option. Only the exact long name is ever written. */
interface Spelling {
  flag: string;
  /** Default: the value. Undefined: this version cannot say it. */
  value?: (value: string | number | boolean) => string | undefined;
  /** The flag takes no value. */
  bare?: boolean;
}

interface Row {
  /** The newest first; the first one that the binary's own help lists is used. */
  write: Spelling[];
  /** Names under which people give it. */
  read: string[];
  kind: 'number' | 'word' | 'flag';
}

const number = (flag: string, ...others: string[]): Row => ({
  write: [{ flag }],
  read: [flag, ...others],
  kind: 'number',
});

const ROWS: { readonly [Option in LlamaServerOption]-?: Row } = {
  contextLength: number('--ctx-size', '-c'),
  slots: number('--parallel', '-np'),
  threads: number('--threads', '-t'),
  batchThreads: number('--threads-batch', '-tb'),
  batch: number('--batch-size', '-b'),
  microBatch: number('--ubatch-size', '-ub'),
  gpuLayers: {
    write: [{ flag: '--n-gpu-layers' }, { flag: '--gpu-layers' }],
    read: ['--n-gpu-layers', '--gpu-layers', '-ngl'],
    kind: 'number',
  },
  mainGpu: number('--main-gpu', '-mg'),
  splitMode: { write: [{ flag: '--split-mode' }], read: ['--split-mode', '-sm'], kind: 'word' },
  cpuMoeLayers: number('--n-cpu-moe', '-ncmoe'),
  keyType: { write: [{ flag: '--cache-type-k' }], read: ['--cache-type-k', '-ctk'], kind: 'word' },
  valueType: { write: [{ flag: '--cache-type-v' }], read: ['--cache-type-v', '-ctv'], kind: 'word' },
  flashAttention: { write: [{ flag: '--flash-attn' }], read: ['--flash-attn', '-fa'], kind: 'word' },
  loadMode: {
    write: [
      { flag: '--load-mode' },
      { flag: '--mlock', bare: true, value: (mode) => (mode === 'mlock' ? '' : undefined) },
      { flag: '--no-mmap', bare: true, value: (mode) => (mode === 'none' ? '' : undefined) },
    ],
    read: ['--load-mode', '-lm'],
    kind: 'word',
  },
  promptCacheMiB: number('--cache-ram', '-cram'),
  verbose: { write: [{ flag: '--verbose', bare: true }], read: ['--verbose', '-v', '--log-verbose'], kind: 'flag' },
};

/** Older names that say one value of an option. */
const FIXED: Readonly<Record<string, LlamaServerOptions>> = {
  '--mlock': { loadMode: 'mlock' },
  '--no-mmap': { loadMode: 'none' },
};

const READ = new Map(
  (Object.entries(ROWS) as [LlamaServerOption, Row][]).flatMap(([option, row]) =>
    row.read.map((name) => [name, { option, kind: row.kind }] as const),
  ),
);

/** Renders options as arguments of a binary that knows `known` flags. Throws `unsupported` for one that it cannot say. */
export function renderOptions(options: LlamaServerOptions, known: ReadonlySet<string>): string[] {
  return (Object.entries(options) as [LlamaServerOption, string | number | boolean | undefined][]).flatMap(
    ([option, value]) => {
      if (value === undefined || value === false) return [];
      for (const { flag, bare, value: say = String } of ROWS[option].write) {
        const said = known.has(flag) ? say(value) : undefined;
        if (said !== undefined) return bare ? [flag] : [flag, said];
      }
      throw new OmgError('unsupported', `This llama-server has no flag for ${option}.`, {
        hint: 'Install another version of llama.cpp, or leave the option out.',
        detail: { param: option },
      });
    },
  );
}

/**
 * Reads flags of llama-server as the options they mean. Whatever is not one of them (files, addresses, tools, keys, other models) is
 * refused, with `invalid_request`: flags are never handed on.
 */
export function parseFlags(flags: string | readonly string[], source: string): LlamaServerOptions {
  const words = typeof flags === 'string' ? flags.split(/\s+/).filter((word) => word !== '') : [...flags];
  const found: Record<string, unknown> = {};
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, name = word, inline] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
    const fixed = Object.hasOwn(FIXED, name) && inline === undefined ? FIXED[name] : undefined;
    const row = READ.get(name);
    if (fixed !== undefined) Object.assign(found, fixed);
    else if (row === undefined) throw refused(source, word);
    else if (row.kind === 'flag' && inline === undefined) found[row.option] = true;
    else {
      const value = inline ?? words[++at];
      if (row.kind === 'flag' || value === undefined) throw refused(source, word);
      if (row.kind === 'number' && !/^\d{1,9}$/.test(value)) throw refused(source, `${word} ${value}`);
      found[row.option] = row.kind === 'number' ? Number(value) : value;
    }
  }
  const checked = llamaServerOptions.safeParse(found);
  if (checked.success) return checked.data;
  throw refused(source, String(checked.error.issues[0]?.path[0] ?? 'options'));
}

function refused(source: string, what: string): OmgError {
  return new OmgError(
    'invalid_request',
    `${source}: ${JSON.stringify(what.slice(0, 80))} is not an option that can be set.`,
    {
      hint: `Use ${[...READ.keys()].filter((name) => name.startsWith('--')).join(', ')}.`,
      detail: { param: source },
    },
  );
}
