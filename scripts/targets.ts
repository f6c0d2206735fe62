/**
 * The one table of platforms: the npm packages, the release archives, the jobs of the workflows and the search for the addon at run time
 * are made from it. A new platform is a new row, then `npm run gen`.
 */
export interface Target {
  /** `<os>-<cpu>[-<libc>]`, in the words of Node; part of package and archive names. */
  name: string;
  os: 'darwin' | 'linux' | 'win32';
  cpu: 'arm64' | 'x64';
  /** In the words of package.json; Linux only. */
  libc?: 'glibc' | 'musl';
  /** Of rustc. */
  triple: string;
  /** What cargo-zigbuild gets in its place: the same with the oldest glibc to run on, that of Node 22 and 24. */
  zig?: string;
  /** GitHub's machine on which it is built and tried. */
  runner: string;
  /** Cargo features of `omg-node`. */
  features: readonly string[];
}

export const TARGETS: readonly Target[] = [
  {
    name: 'darwin-arm64',
    os: 'darwin',
    cpu: 'arm64',
    triple: 'aarch64-apple-darwin',
    runner: 'macos-15',
    features: ['metal'],
  },
  {
    name: 'darwin-x64',
    os: 'darwin',
    cpu: 'x64',
    triple: 'x86_64-apple-darwin',
    runner: 'macos-15-intel',
    features: ['metal'],
  },
  {
    name: 'linux-x64-gnu',
    os: 'linux',
    cpu: 'x64',
    libc: 'glibc',
    triple: 'x86_64-unknown-linux-gnu',
    zig: 'x86_64-unknown-linux-gnu.2.28',
    runner: 'ubuntu-24.04',
    features: [],
  },
  {
    name: 'linux-arm64-gnu',
    os: 'linux',
    cpu: 'arm64',
    libc: 'glibc',
    triple: 'aarch64-unknown-linux-gnu',
    zig: 'aarch64-unknown-linux-gnu.2.28',
    runner: 'ubuntu-24.04-arm',
    features: [],
  },
  {
    name: 'linux-x64-musl',
    os: 'linux',
    cpu: 'x64',
    libc: 'musl',
    triple: 'x86_64-unknown-linux-musl',
    zig: 'x86_64-unknown-linux-musl',
    runner: 'ubuntu-24.04',
    features: [],
  },
  {
    name: 'linux-arm64-musl',
    os: 'linux',
    cpu: 'arm64',
    libc: 'musl',
    triple: 'aarch64-unknown-linux-musl',
    zig: 'aarch64-unknown-linux-musl',
    runner: 'ubuntu-24.04-arm',
    features: [],
  },
  {
    name: 'win32-x64-msvc',
    os: 'win32',
    cpu: 'x64',
    triple: 'x86_64-pc-windows-msvc',
    runner: 'windows-2025',
    features: [],
  },
  {
    name: 'win32-arm64-msvc',
    os: 'win32',
    cpu: 'arm64',
    triple: 'aarch64-pc-windows-msvc',
    runner: 'windows-11-arm',
    features: [],
  },
];

/** Addons for NVIDIA GPUs. Hundreds of megabytes in all, so none is installed unasked: `omg backend install cuda` fetches one. */
export const CUDA = {
  /** Targets that have them. */
  targets: ['linux-x64-gnu', 'linux-arm64-gnu'] as readonly string[],
  /** Compute capabilities, times ten, each an addon. Kernels are PTX, so one also runs on every newer GPU. */
  capabilities: [80, 86, 89, 90, 100, 120] as readonly number[],
  /** CUDA's container for the build, and the oldest driver that takes its PTX. */
  toolkit: '12.8.1',
  oldestDriver: 570,
} as const;

/** npm package with the addon of a target; with a compute capability, its CUDA flavour. */
export function nativePackage(target: string, capability?: number): string {
  return `@ohmygpu/native-${target}${capability === undefined ? '' : `-cuda-sm${capability}`}`;
}

/** The best CUDA flavour for a GPU: the newest that is not newer than it. Undefined for a GPU older than all. */
export function cudaCapabilityFor(gpu: number): number | undefined {
  return CUDA.capabilities.filter((capability) => capability <= gpu).at(-1);
}

/** The archive with everything inside, Node too. */
export function archiveName(version: string, target: string): string {
  return `ohmygpu-${version}-${target}.tar.gz`;
}

/** The target of a machine, or undefined where there is none. `libc` matters on Linux only. */
export function targetFor(os: string, cpu: string, libc: 'glibc' | 'musl' | undefined): Target | undefined {
  return TARGETS.find(
    (target) => target.os === os && target.cpu === cpu && (target.libc === undefined || target.libc === libc),
  );
}
