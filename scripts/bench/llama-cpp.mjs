// One measured round of llama.cpp through node-llama-cpp: node llama-cpp.mjs MODULE_FOLDER MODEL PROMPT_TOKENS NEW_TOKENS
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, modelPath, promptTokens, newTokens] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(createRequire(`${folder}/`).resolve('node-llama-cpp')).href);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 0 });
const loadStart = performance.now();
const model = await llama.loadModel({ modelPath, gpuLayers: 0 });
const context = await model.createContext({ contextSize: 1024, batchSize: 512, threads: { ideal: 0, min: 1 } });
const loadMs = performance.now() - loadStart;
const sequence = context.getSequence();
const prompt = Array.from({ length: Number(promptTokens) }, (_, i) => 300 + ((i * 7919) % 20000));
await sequence.evaluateWithoutGeneratingNewTokens(prompt.slice(0, 8)); // warm
await sequence.clearHistory();
let start = performance.now();
await sequence.evaluateWithoutGeneratingNewTokens(prompt);
const prefillMs = performance.now() - start;
start = performance.now();
let count = 0;
for await (const _ of sequence.evaluate([prompt[0]], { temperature: 0, yieldEogToken: true })) {
  count += 1;
  if (count >= Number(newTokens)) break;
}
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
