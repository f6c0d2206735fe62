import { expect, test } from 'vitest';
import { CUDA, cudaArchitecture, cudaCapabilityFor, nativePackage, TARGETS, targetFor } from './targets.ts';

test('a machine finds its target', () => {
  expect(targetFor('linux', 'x64', 'glibc')?.name).toBe('linux-x64-gnu');
  expect(targetFor('linux', 'arm64', 'musl')?.name).toBe('linux-arm64-musl');
  expect(targetFor('darwin', 'arm64', undefined)?.name).toBe('darwin-arm64');
  expect(targetFor('win32', 'x64', undefined)?.name).toBe('win32-x64-msvc');
  expect(targetFor('freebsd', 'x64', undefined)).toBeUndefined();
  expect(targetFor('linux', 'riscv64', 'glibc')).toBeUndefined();
});

test('the names say what the rows say', () => {
  for (const { name, os, cpu, libc, triple, zig } of TARGETS) {
    expect(name.startsWith(`${os}-${cpu}`)).toBe(true);
    expect(name.endsWith('musl')).toBe(libc === 'musl');
    expect(triple.startsWith(cpu === 'x64' ? 'x86_64-' : 'aarch64-')).toBe(true);
    expect(zig === undefined).toBe(os !== 'linux');
    if (zig !== undefined) expect(zig.startsWith(triple)).toBe(true);
  }
  expect(new Set(TARGETS.map(({ triple }) => triple)).size).toBe(TARGETS.length);
});

test.each([
  [75, undefined],
  [80, 80],
  [87, 86],
  [89, 89],
  [90, 90],
  [103, 100],
  [110, undefined],
  [121, 120],
])('a GPU of compute capability %i takes the addon for %s', (gpu, capability) => {
  expect(cudaCapabilityFor(gpu)).toBe(capability);
});

test('nvcc builds for a GPU, or for all of a family', () => {
  expect(CUDA.capabilities.map(cudaArchitecture)).toEqual(['80', '86', '89', '90', '100f', '120f']);
});

test('CUDA flavours belong to targets and are packages of their own', () => {
  expect(CUDA.targets.filter((name) => !TARGETS.some((target) => target.name === name))).toEqual([]);
  expect(nativePackage('linux-x64-gnu', 90)).toBe('@ohmygpu/native-linux-x64-gnu-cuda-sm90');
});
