import { describe, expect, test } from 'vitest';
import { parseFlags, renderOptions } from './flags.ts';
import { llamaServerOptions } from './options.ts';

const NEWEST = new Set([
  ...['--ctx-size', '--parallel', '--threads', '--threads-batch', '--batch-size', '--ubatch-size', '--n-gpu-layers'],
  ...['--main-gpu', '--split-mode', '--n-cpu-moe', '--cache-type-k', '--cache-type-v', '--flash-attn', '--load-mode'],
  ...['--cache-ram', '--verbose'],
]);

/** What llama-server would read, write, fetch, run or listen to, and keys that would show in the list of processes. */
const FORBIDDEN = [
  ...['--tools', '--tools-runtime', '--agent', '-ag', '--mcp-servers-json', '--mcp-servers-config', '--ui-mcp-proxy'],
  ...['--webui-mcp-proxy', '--path', '--media-path', '--log-file', '--log-prompts-dir', '--slot-save-path'],
  ...[
    '--models-dir',
    '--models-preset',
    '--models-max',
    '--models-autoload',
    '--rpc',
    '-hf',
    '-hfr',
    '--hf-repo',
    '-hff',
  ],
  ...['--hf-file', '-hft', '--hf-token', '-mu', '--model-url', '-dr', '--docker-repo', '--api-key', '--api-key-file'],
  ...[
    '-m',
    '--model',
    '-md',
    '--model-draft',
    '--spec-draft-model',
    '-mm',
    '--mmproj',
    '-mmu',
    '--mmproj-url',
    '--lora',
  ],
  ...['--lora-scaled', '--control-vector', '--host', '--port', '--reuse-port', '--api-prefix', '--cors-origins', '-a'],
  ...['--alias', '--grammar-file', '-jf', '--json-schema-file', '-lcs', '-lcd', '--ssl-key-file', '--ssl-cert-file'],
  ...[
    '--chat-template',
    '--chat-template-file',
    '--override-kv',
    '-ot',
    '--override-tensor',
    '--ui-config-file',
    '--props',
  ],
  ...['--device', '-dev', '--completion-bash', '--list-devices', '--version', '--help', '-h', '-cl', '--spec-draft-hf'],
];

/** Ways in which one might be brought past a list of names. */
const disguises = (flag: string): string[] => [
  `${flag} /etc/passwd`,
  `${flag}=/etc/passwd`,
  `--ctx-size 512 ${flag} x`,
  `${flag.toUpperCase()} x`,
];

const STRANGE = [
  ...['--ctx-size=1;id', '--ctx-size $(id)', '--ctx-size `id`', '--ctx-size -1', '--ctx-size 1e9', '--ctx-size 0x10'],
  ...['--ctx-size', '--ctx-size= ', '--ctx-size 512 512', '--ctx', '--ctx-siz 1', '--ctx_size 512'],
  ...[
    '--ctx-size 99999999999',
    '--ctx-size 0',
    '--parallel 0',
    '--parallel 257',
    '--threads ../../x',
    '-c=512',
    '-c512',
  ],
  ...[
    '--cache-type-k /tmp/x',
    '--cache-type-k q8_0,f16',
    '--flash-attn yes',
    '--split-mode tensor',
    '--load-mode ../x',
  ],
  ...[
    '--verbose=1',
    '--verbose yes',
    '--',
    '-',
    '---ctx-size 1',
    '–ctx-size 1',
    '--constructor x',
    '__proto__',
    '--__proto__=1',
  ],
  ...[
    '"--ctx-size" 512',
    "'--ctx-size 512'",
    '@file',
    '--ctx-size\x292',
    '--ctx-size=\n512',
    '-cmoe',
    '%s',
    '--n-gpu-layers all',
  ],
];

const corpus = [...FORBIDDEN.flatMap(disguises), ...STRANGE];

describe('flags of llama-server', () => {
  test('become the options that they mean', () => {
    expect(parseFlags('--verbose --ctx-size 2048', 'LLAMA_ARGS')).toEqual({ verbose: true, contextLength: 2048 });
    expect(parseFlags(['-ngl', '99', '--cache-type-k=q8_0', '--mlock', '-fa', 'on'], 'runtime-flags')).toEqual({
      gpuLayers: 99,
      keyType: 'q8_0',
      loadMode: 'mlock',
      flashAttention: 'on',
    });
    expect(parseFlags('', 'LLAMA_ARGS')).toEqual({});
  });

  test(`that are anything else are refused, ${corpus.length} of them`, () => {
    expect(corpus.length).toBeGreaterThan(200);
    const accepted = corpus.filter((flags) => {
      try {
        parseFlags(flags, 'runtime-flags');
        return true;
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_request', hint: expect.stringContaining('--ctx-size') });
        return false;
      }
    });
    expect(accepted).toEqual([]);
  });

  test('are written for the version that is there, by their exact long names', () => {
    expect(renderOptions({ contextLength: 512, loadMode: 'mlock', verbose: true, mainGpu: undefined }, NEWEST)).toEqual(
      ['--ctx-size', '512', '--load-mode', 'mlock', '--verbose'],
    );
    expect(renderOptions({ loadMode: 'mlock' }, new Set(['--mlock']))).toEqual(['--mlock']);
    expect(renderOptions({ gpuLayers: 3 }, new Set(['--gpu-layers']))).toEqual(['--gpu-layers', '3']);
  });

  test('that a version lacks are an error and not left out', () => {
    expect(() => renderOptions({ cpuMoeLayers: 3 }, new Set(['--ctx-size']))).toThrow('no flag for cpuMoeLayers');
    expect(() => renderOptions({ loadMode: 'mmap' }, new Set(['--mlock']))).toThrow('no flag for loadMode');
  });

  test('exist for every option', () => {
    for (const option of Object.keys(llamaServerOptions.shape)) {
      const value = { splitMode: 'row', keyType: 'f16', valueType: 'f16', flashAttention: 'on', loadMode: 'mmap' }[
        option
      ];
      const given = { [option]: option === 'verbose' ? true : (value ?? 1) };
      expect(renderOptions(llamaServerOptions.parse(given), NEWEST).length, option).toBeGreaterThan(0);
    }
    expect(llamaServerOptions.safeParse({ path: 'x' }).success).toBe(false);
  });
});
