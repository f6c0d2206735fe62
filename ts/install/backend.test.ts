import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StandInRegistry } from '../../scripts/release/registry.ts';
import { CUDA } from '../../scripts/targets.ts';
import { VERSION } from '../config/index.ts';
import { installedBackends } from '../engine/index.ts';
import { OmgError } from '../errors/index.ts';
import type { DeviceInfo } from '../inference/index.ts';
import { type BackendChoice, chooseCuda, installCuda, removeBackend } from './backend.ts';
import { type Nvidia, parseGpus } from './gpu.ts';

const GPU: DeviceInfo = {
  id: 'cuda:0',
  kind: 'cuda',
  name: 'Test GPU',
  memoryBytes: 1,
  freeMemoryBytes: 1,
} as DeviceInfo;
const nvidia = (text: string): Nvidia => {
  const gpus = parseGpus(text);
  return { gpus, driver: gpus[0]?.driver ?? '', cuda: undefined };
};

test('the lines of nvidia-smi are read, and what is none is left out', () => {
  expect(
    parseGpus(
      'NVIDIA H200, 9.0, 570.86.15, 143771\nNVIDIA RTX A6000, 8.6, 570.86.15, [N/A]\nFailed to initialize NVML\n',
    ),
  ).toEqual([
    { name: 'NVIDIA H200', computeCapability: 90, driver: '570.86.15', memoryBytes: 143771 * 1024 * 1024 },
    { name: 'NVIDIA RTX A6000', computeCapability: 86, driver: '570.86.15', memoryBytes: 0 },
  ]);
});

describe('the CUDA package', () => {
  test('is the newest that the GPU runs', () => {
    const found = nvidia(`L4, 8.9, ${CUDA.oldestDriver}.1, 1`);
    expect(chooseCuda(found, 'linux-x64-gnu')).toEqual({
      package: '@ohmygpu/native-linux-x64-gnu-cuda-sm89',
      capability: 89,
      gpu: 'L4',
    });
  });

  test.each([
    ['no driver', undefined, 'linux-x64-gnu', 'No NVIDIA driver'],
    ['a broken driver', 'nvidia-smi says: no', 'linux-x64-gnu', 'does not work'],
    ['an old driver', nvidia('L4, 8.9, 470.1, 1'), 'linux-x64-gnu', 'too old'],
    ['an old GPU', nvidia('T4, 7.5, 580.1, 1'), 'linux-x64-gnu', 'compute capability 7.5'],
    ['a Mac', nvidia('L4, 8.9, 580.1, 1'), 'darwin-arm64', 'no CUDA backend for darwin-arm64'],
  ])('%s is said', (_, found, target, message) => {
    expect(() => chooseCuda(found, target)).toThrow(message);
  });
});

describe('installing a backend', () => {
  let folder: string;
  let registry: StandInRegistry;
  const choice: BackendChoice = { package: '@ohmygpu/native-linux-x64-gnu-cuda-sm90', capability: 90, gpu: 'Test GPU' };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'omg-backend-'));
    registry = await StandInRegistry.start();
    await publish('an addon');
    return async () => {
      await registry.close();
      rmSync(folder, { recursive: true, force: true });
    };
  });
  afterEach(() => {
    registry.tamper = undefined;
  });

  async function pack(content: string): Promise<string> {
    const root = join(folder, 'pack');
    mkdirSync(join(root, 'package'), { recursive: true });
    writeFileSync(join(root, 'package', 'package.json'), JSON.stringify({ name: choice.package, version: VERSION }));
    writeFileSync(join(root, 'package', 'omg.node'), content);
    const file = join(root, 'native.tgz');
    await create({ gzip: true, cwd: root, file }, ['package']);
    return file;
  }

  async function publish(content: string): Promise<void> {
    registry.publish(await pack(content));
    await registry.sign(VERSION);
  }

  const network = () => ({ registry: registry.url, releases: '', keys: [registry.key.publicKey] });
  const backends = (): string => join(folder, 'backends');
  const install = (probe: (file: string) => Promise<DeviceInfo[]>) =>
    installCuda({ network: network(), folder: backends(), choice, probe });

  test('it is tried before it is in place, and then found', async () => {
    const tried: string[] = [];
    const { integrity, devices } = await install(async (file) => {
      tried.push(readFileSync(file, 'utf8'));
      expect(installedBackends(backends())).toEqual([]);
      return [GPU];
    });
    expect(tried).toEqual(['an addon']);
    expect(integrity).toMatch(/^sha512-/);
    expect(devices).toEqual([GPU]);
    expect(installedBackends(backends())).toEqual([{ path: join(backends(), 'cuda', 'omg.node'), flavour: 'cuda' }]);
    expect(readdirSync(backends())).toEqual(['cuda']);
  });

  test('one that finds no GPU, crashes or was changed leaves the one before', async () => {
    await install(async () => [GPU]);
    await publish('another addon');
    await expect(install(async () => [])).rejects.toMatchObject({ code: 'addon_unavailable' });
    const crash = new OmgError('runner_crashed', 'boom');
    await expect(install(() => Promise.reject(crash))).rejects.toBe(crash);
    registry.tamper = (_, bytes) => Buffer.concat([bytes, Buffer.from('x')]);
    await expect(install(async () => [GPU])).rejects.toMatchObject({ code: 'checksum_mismatch' });
    expect(readFileSync(join(backends(), 'cuda', 'omg.node'), 'utf8')).toBe('an addon');
    expect(readdirSync(backends())).toEqual(['cuda']);
  });

  test('one of another version is not used, and says why', async () => {
    await install(async () => [GPU]);
    const record = join(backends(), 'cuda', 'backend.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace(`"version": "${VERSION}"`, '"version": "0.0.1"'));
    expect(installedBackends(backends())).toMatchObject([{ problem: expect.stringContaining('has version 0.0.1') }]);
  });

  test('it can be removed, once', async () => {
    await install(async () => [GPU]);
    expect(await removeBackend(backends(), 'cuda')).toBe(true);
    expect(existsSync(join(backends(), 'cuda'))).toBe(false);
    expect(await removeBackend(backends(), 'cuda')).toBe(false);
  });

  test('one that is not signed in its version is not unpacked', async () => {
    registry.publish(await pack('an addon of the registry'));
    const probe = () => Promise.reject(new Error('It must not be tried.'));
    await expect(install(probe)).rejects.toMatchObject({ code: 'signature_invalid' });
    expect(existsSync(join(backends(), 'cuda'))).toBe(false);
  });

  test('a package that does not exist, and a registry that does not answer', async () => {
    const other = { ...choice, package: '@ohmygpu/none' };
    await expect(installCuda({ network: network(), folder: backends(), choice: other })).rejects.toMatchObject({
      code: 'signature_invalid',
    });
    registry.unpublish(choice.package, VERSION);
    await expect(install(async () => [GPU])).rejects.toMatchObject({ code: 'not_found' });
    const nowhere = { registry: 'http://127.0.0.1:9', releases: '' };
    await expect(installCuda({ network: nowhere, folder: backends(), choice })).rejects.toMatchObject({
      code: 'download_failed',
    });
  });
});
