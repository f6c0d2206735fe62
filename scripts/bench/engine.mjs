// Prefill, decode, and decode of several answers together, of our engine against llama.cpp (node-llama-cpp) on the same files, in turns, medians of the rounds.
// Usage: npm run bench -- [--kinds q4_k_m,q8_0] [--rounds 5] [--prompt 512] [--tokens 64] [--together 4]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeRandomModel } from './random-model.mjs';

const { values: options } = parseArgs({
  options: {
    kinds: { type: 'string', default: 'q4_k_m,q8_0,q4_0' },
    rounds: { type: 'string', default: '5' },
    prompt: { type: 'string', default: '512' },
    tokens: { type: 'string', default: '64' },
    together: { type: 'string', default: '4' },
  },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const folder = join(root, '.bench');
mkdirSync(folder, { recursive: true });
if (!existsSync(join(folder, 'package.json'))) writeFileSync(join(folder, 'package.json'), '{"private":true}\n');
if (!existsSync(join(folder, 'node_modules', 'node-llama-cpp'))) {
  console.error('Installing node-llama-cpp beside the benchmark…');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', 'node-llama-cpp'], { cwd: folder, stdio: 'inherit' });
}

const node = (script, args) =>
  JSON.parse(
    execFileSync(process.execPath, [join(here, script), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores, ${options.rounds} rounds in turns, medians\n`,
);
console.log(
  `| model | engine | prefill tok/s | decode tok/s | ${options.together} together tok/s | load s | peak RSS / file |`,
);
console.log('|---|---|---|---|---|---|---|');
for (const kind of options.kinds.split(',')) {
  const model = join(folder, `random-1b-${kind}.gguf`);
  if (!existsSync(model)) writeRandomModel(model, kind);
  const args = [model, options.prompt, options.tokens];
  const engines = {
    omg: (...more) => node('omg.mjs', [join(root, 'dist', 'native', 'omg.node'), ...args, ...more]),
    'llama.cpp': (...more) => node('llama-cpp.mjs', [folder, ...args, ...more]),
  };
  const rounds = { omg: [], 'llama.cpp': [] };
  for (let i = 0; i < Number(options.rounds); i++)
    for (const name of Object.keys(engines))
      rounds[name].push({ ...engines[name](), ...engines[name](options.together) });
  const size = statSync(model).size;
  for (const [name, list] of Object.entries(rounds)) {
    const of = (key) => median(list.map((r) => r[key]));
    console.log(
      `| 1B ${kind} | ${name} | ${of('prefill').toFixed(1)} | ${of('decode').toFixed(1)} | ${of('together').toFixed(1)} | ${(of('loadMs') / 1000).toFixed(1)} | ${(of('peakRssBytes') / size).toFixed(2)} |`,
    );
  }
  const ratio = (key) => median(rounds.omg.map((r, i) => r[key] / rounds['llama.cpp'][i][key])).toFixed(2);
  console.log(
    `| 1B ${kind} | **omg ÷ llama.cpp** | **${ratio('prefill')}** | **${ratio('decode')}** | **${ratio('together')}** | | |`,
  );
}
