// One measured round of llama.cpp through node-llama-cpp: node llama-cpp.mjs MODULE_FOLDER MODEL PROMPT_TOKENS NEW_TOKENS [SEQUENCES]
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, modelPath, promptTokens, newTokens, sequences] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(createRequire(`${folder}/`).resolve('node-llama-cpp')).href);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 0 });
const loadStart = performance.now();
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({
  contextSize: 1024,
  batchSize: 512,
  sequences: Number(sequences ?? 1),
  threads: { ideal: 0, min: 1 },
});
const loadMs = performance.now() - loadStart;
const sequence = context.getSequence();
const prompt = Array.from({ length: Number(promptTokens) }, (_, i) => 300 + ((i * 7919) % 20000));
await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, 8)); // warm
await sequence.clearHistory();
if (sequences !== undefined) {
  const all = [sequence, ...Array.from({ length: Number(sequences) - 1 }, () => context.getSequence())];
  const begin = performance.now();
  const counts = await Promise.all(all.map((one, i) => decode(one, [300 + i, 77, 91])));
  const tokens = counts.reduce((sum, count) => sum + count, 0);
  console.log(JSON.stringify({ together: (tokens * 1000) / (performance.now() - begin) }));
  process.exit(0);
}
let start = performance.now();
await sequence.evaluateWithoutGeneratingNewTokens(prompt);
const prefillMs = performance.now() - start;
start = performance.now();
const count = await decode(sequence, [prompt[0]]);
const decodeMs = performance.now() - start;
console.log(
  JSON.stringify({
    prefill: (Number(promptTokens) * 1000) / prefillMs,
    decode: (count * 1000) / decodeMs,
    loadMs,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
process.exit(0);

async function decode(one, tokens) {
  let count = 0;
  for await (const _ of one.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
    count += 1;
    if (count >= Number(newTokens)) break;
  }
  return count;
}
