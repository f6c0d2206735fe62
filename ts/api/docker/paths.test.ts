import { expect, test } from 'vitest';
import { inferencePath, stripDockerPrefix } from './paths.ts';

test('the socket prefix is taken off, and nothing that only looks like it', () => {
  expect(stripDockerPrefix('/exp/vDD4.40/models?x=1')).toBe('/models?x=1');
  expect(stripDockerPrefix('/exp/vDD4.40')).toBe('/');
  expect(stripDockerPrefix('/exp/vDD4.40?x=1')).toBe('/?x=1');
  expect(stripDockerPrefix('/exp/vDD4.40x/models')).toBe('/exp/vDD4.40x/models');
  expect(stripDockerPrefix('/v1/models')).toBe('/v1/models');
});

test('inference below /engines is known by its path', () => {
  expect(inferencePath('/engines/v1/chat/completions')).toBe('/v1/chat/completions');
  expect(inferencePath('/engines/llama.cpp/v1/messages')).toBe('/v1/messages');
  expect(inferencePath('/engines/rerank')).toBe('/v1/rerank');
  expect(inferencePath('/engines/vllm/rerank')).toBe('/v1/rerank');
  expect(inferencePath('/engines/ps')).toBeUndefined();
  expect(inferencePath('/engines/omg/_configure')).toBeUndefined();
});
