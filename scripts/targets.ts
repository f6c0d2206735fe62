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

/**
 * Addons for NVIDIA GPUs. One has 15 MB to download and 58 MB on disk; one with the kernels of all would have about 70 and 300, so each GPU gets its own.
 * None is installed unasked: `omg backend install cuda` fetches it.
 */
export const CUDA = {
  /** Targets that have them. */
  targets: ['linux-x64-gnu', 'linux-arm64-gnu'] as readonly string[],
  /** Compute capabilities, times ten, each an addon. It holds machine code, which runs on GPUs of the same major version that are not older. */
  capabilities: [80, 86, 89, 90, 100, 120] as readonly number[],
  /** CUDA's container for the build, and the oldest driver that takes its PTX. */
  toolkit: '12.9.1',
  oldestDriver: 575,
} as const;

/** npm package with the addon of a target; with a compute capability, its CUDA flavour. */
export function nativePackage(target: string, capability?: number): string {
  return `@ohmygpu/native-${target}${capability === undefined ? '' : `-cuda-sm${capability}`}`;
}

/** The best CUDA flavour for a GPU: the newest of its major version that is not newer than it. Undefined where none runs. */
export function cudaCapabilityFor(gpu: number): number | undefined {
  return CUDA.capabilities.filter((one) => one <= gpu && cudaMajor(one) === cudaMajor(gpu)).at(-1);
}

/** The major version of a compute capability that is given times ten. */
export function cudaMajor(capability: number): number {
  return Math.floor(capability / 10);
}

/** What nvcc is told to build a flavour. From 10.0 on only the architecture of a family (`f`) runs on the later minor versions too. */
export function cudaArchitecture(capability: number): string {
  return capability >= 100 ? `${capability}f` : `${capability}`;
}

/** npm package with the signed list of what a release consists of; published with it, in its version. */
export const checksumsPackage = '@ohmygpu/checksums';

/** File name of a package as `npm pack` chooses it. */
export function packFileName(name: string, version: string): string {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
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
