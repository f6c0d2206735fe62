// One measured round of our engine through the addon: node omg.mjs ADDON MODEL PROMPT_TOKENS NEW_TOKENS [SEQUENCES]
// With SEQUENCES: so many short prompts answered at once, and nothing else.
import { createRequire } from 'node:module';

const [addonPath, modelPath, promptTokens, newTokens, sequences] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);

function unwrap(result) {
  if (result.error) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.ok;
}

async function run(model, tokens, maxTokens) {
  // A stop on a token that random weights happen to pick would end the round early: sampling never ends at EOG here.
  const request = { prompt: [{ kind: 'tokens', tokens }], sampling: { temperature: 0 }, stop: [], maxTokens };
  const task = model.start(JSON.stringify({ kind: 'generate', request }), []);
  let end;
  while (!end) {
    for (const event of unwrap(await task.next()) ?? []) if (event.type === 'end') end = event;
  }
  return end;
}

const loadStart = performance.now();
const maxSequences = sequences === undefined ? {} : { maxSequences: Number(sequences) };
const model = unwrap(
  await addon.load({ path: modelPath, contextLength: 1024, device: 'cpu', ...maxSequences }, () => {}),
);
const loadMs = performance.now() - loadStart;
const prompt = Array.from({ length: Number(promptTokens) }, (_, i) => 300 + ((i * 7919) % 20000));
await run(model, prompt.slice(0, 8), 1); // warm
if (sequences !== undefined) {
  const start = performance.now();
  const ends = await Promise.all(
    Array.from({ length: Number(sequences) }, (_, i) => run(model, [300 + i, 77, 91], Number(newTokens))),
  );
  const tokens = ends.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  console.log(JSON.stringify({ together: (tokens * 1000) / (performance.now() - start) }));
  process.exit(0);
}
const prefillMs = (await run(model, prompt, 1)).timings.prefillMs;
const end = await run(model, [...prompt.slice(0, 4), 77], Number(newTokens) + 1);
console.log(
  JSON.stringify({
    prefill: (Number(promptTokens) * 1000) / prefillMs,
    decode: ((end.usage.completionTokens - 1) * 1000) / end.timings.decodeMs,
    loadMs,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
);
process.exit(0);
