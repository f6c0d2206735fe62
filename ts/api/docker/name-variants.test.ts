import { expect, test } from 'vitest';
import { nameVariants } from './name-variants.ts';

test.each([
  ['demo', ['demo', 'ai/demo', 'docker.io/demo', 'docker.io/ai/demo']],
  ['ai/demo:v1', ['ai/demo:v1', 'demo:v1', 'docker.io/ai/demo:v1', 'docker.io/demo:v1']],
  ['docker.io/ai/demo', ['docker.io/ai/demo', 'ai/demo', 'demo', 'docker.io/demo']],
  ['me/demo:v1', ['me/demo:v1', 'docker.io/me/demo:v1']],
  ['docker.io/me/demo', ['docker.io/me/demo', 'me/demo']],
  ['hf.co/me/demo:Q8_0', ['hf.co/me/demo:Q8_0']],
  ['localhost:5000/demo', ['localhost:5000/demo']],
])('%s', (reference, wanted) => {
  expect(nameVariants(reference)).toEqual(wanted);
});
