// What HTTP streaming costs: tokens/s seen by a client of the daemon against the engine's own, in the same answers.
// Also the memory of the idle daemon and the latency of a cold start. Usage: npm run bench:http [-- --model FILE] [--rounds 5]
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeRandomModel } from './random-model.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: join(root, '.bench', 'random-1b-q4_k_m.gguf') },
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '128' },
  },
});
if (!existsSync(options.model)) {
  mkdirSync(join(root, '.bench'), { recursive: true });
  writeRandomModel(options.model, 'q4_k_m');
}
const home = mkdtempSync(join(tmpdir(), 'omg-bench-'));
const port = '10793';
const url = `http://127.0.0.1:${port}`;
const env = { ...process.env, OMG_HOME: home };
const omg = (args) =>
  execFileSync(process.execPath, [join(root, 'dist', 'omg.js'), ...args], { env, encoding: 'utf8' });
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const daemon = spawn(process.execPath, [join(root, 'dist', 'omg.js'), 'serve', '--port', port], {
  env,
  stdio: 'ignore',
});
try {
  for (let i = 0; i < 200 && !(await fetch(`${url}/health`).catch(() => undefined)); i++) await sleep(50);
  omg(['import', options.model, '--name', 'bench', '--quiet']);
  await sleep(20_000);
  const rss =
    process.platform === 'linux'
      ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))?.[1]) / 1024
      : 0;
  const wall = [];
  const engine = [];
  for (let round = 0; round <= Number(options.rounds); round++) {
    const response = await fetch(`${url}/api/generate`, {
      method: 'POST',
      body: JSON.stringify({
        model: 'bench',
        prompt: `Round ${round}: once upon a time`,
        raw: true,
        options: { num_predict: Number(options.tokens), temperature: 1, seed: round },
      }),
    });
    let first;
    let last;
    let text = '';
    let seen = 0;
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      last = performance.now();
      first ??= last;
      text += decoder.decode(chunk, { stream: true });
      seen += 1;
    }
    const end = JSON.parse(text.trim().split('\n').at(-1));
    if (round === 0 || seen < 3) continue; // the first round loads the model
    wall.push(((end.eval_count - 1) * 1000) / (last - first));
    engine.push((end.eval_count * 1e9) / end.eval_duration);
  }
  const ratio = median(wall.map((w, i) => w / engine[i]));
  console.log(
    `engine ${median(engine).toFixed(1)} tok/s, HTTP stream ${median(wall).toFixed(1)} tok/s, ratio ${ratio.toFixed(3)}`,
  );
  if (rss) console.log(`idle daemon ${rss.toFixed(0)} MB RSS`);
} finally {
  daemon.kill('SIGTERM');
  await new Promise((done) => daemon.once('exit', done));
  rmSync(home, { recursive: true, force: true });
}
