import type { Environment } from './load.ts';

/**
 * What a child process may know of the environment. Whole names and no beginnings of names: NVIDIA_API_KEY is a secret, and whatever begins with LC_ is
 * carried along by ssh. Nothing that loads code into a process (NODE_OPTIONS, LD_PRELOAD, DYLD_INSERT_LIBRARIES) belongs here, and no
 * proxy, whose address can hold a password.
 */
const SHARED = [
  // Where things lie. CUDA keeps what it compiled in the home folder.
  ...['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP'],
  // The language of messages, the time of day.
  ...['LANG', 'LC_ALL', 'LC_CTYPE', 'LC_MESSAGES', 'TZ'],
  // Libraries of drivers and of CUDA that are not where the loader looks.
  ...['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'DYLD_FALLBACK_LIBRARY_PATH', 'DYLD_FRAMEWORK_PATH'],
  // Which GPUs there are, and how CUDA treats them.
  ...['CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'CUDA_HOME', 'CUDA_PATH', 'CUDA_CACHE_PATH', 'CUDA_CACHE_DISABLE'],
  ...[
    'CUDA_CACHE_MAXSIZE',
    'CUDA_LAUNCH_BLOCKING',
    'CUDA_MODULE_LOADING',
    'CUDA_FORCE_PTX_JIT',
    'CUDA_DISABLE_PTX_JIT',
  ],
  ...[
    'CUDA_DEVICE_MAX_CONNECTIONS',
    'CUDA_MPS_PIPE_DIRECTORY',
    'CUDA_MPS_LOG_DIRECTORY',
    'CUDA_MPS_ACTIVE_THREAD_PERCENTAGE',
  ],
  ...[
    'CUDA_MPS_PINNED_DEVICE_MEM_LIMIT',
    'CUBLAS_WORKSPACE_CONFIG',
    'NVIDIA_VISIBLE_DEVICES',
    'NVIDIA_DRIVER_CAPABILITIES',
  ],
  'NVIDIA_TF32_OVERRIDE',
  // Threads and memory of libraries; what a crash reports.
  ...['OMP_NUM_THREADS', 'RAYON_NUM_THREADS', 'TOKENIZERS_PARALLELISM', 'MALLOC_ARENA_MAX'],
  ...['RUST_LOG', 'RUST_BACKTRACE', 'RUST_LIB_BACKTRACE'],
];

/** Without these, programs of Windows find neither the system nor its drivers. Compared without regard to case, as it does. */
const WINDOWS = [
  ...['SystemRoot', 'SystemDrive', 'windir', 'ComSpec', 'PATHEXT', 'OS', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA'],
  ...['ProgramData', 'ProgramFiles', 'ProgramFiles(x86)', 'CommonProgramFiles', 'NUMBER_OF_PROCESSORS'],
  ...['PROCESSOR_ARCHITECTURE', 'PROCESSOR_IDENTIFIER', 'PROCESSOR_LEVEL', 'PROCESSOR_REVISION'],
];

const ALLOWED = new Set(SHARED);
const ALLOWED_ON_WINDOWS = new Set([...SHARED, ...WINDOWS].map((name) => name.toUpperCase()));

/** The environment of this process for a child that works for strangers: what is on the list and nothing else, so no secret. */
export function childEnvironment(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const isAllowed = (name: string): boolean =>
    platform === 'win32' ? ALLOWED_ON_WINDOWS.has(name.toUpperCase()) : ALLOWED.has(name);
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && isAllowed(entry[0]),
    ),
  );
}
