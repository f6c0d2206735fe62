import { z } from 'zod';

/** Types that llama-server keeps keys and values in. */
const KV_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_1', 'iq4_nl', 'q5_0', 'q5_1'] as const;

const count = (max: number) => z.number().int().min(0).max(max);

/** What may be said about how llama-server serves a model: meanings with types. Nothing else ever becomes one of its flags. */
export const llamaServerOptions = z.strictObject({
  /** Tokens of one sequence's context window. */
  contextLength: z
    .number()
    .int()
    .min(1)
    .max(1 << 26)
    .optional(),
  /** Sequences decoded at once. */
  slots: z.number().int().min(1).max(256).optional(),
  threads: z.number().int().min(1).max(1024).optional(),
  batchThreads: z.number().int().min(1).max(1024).optional(),
  /** Tokens that are processed together: logically, and in one step of the device. */
  batch: z
    .number()
    .int()
    .min(1)
    .max(1 << 20)
    .optional(),
  microBatch: z
    .number()
    .int()
    .min(1)
    .max(1 << 20)
    .optional(),
  /** Layers in the memory of the GPU. */
  gpuLayers: count(10_000).optional(),
  mainGpu: count(255).optional(),
  splitMode: z.enum(['none', 'layer', 'row']).optional(),
  /** Layers whose experts stay in the memory of the CPU. */
  cpuMoeLayers: count(10_000).optional(),
  keyType: z.enum(KV_TYPES).optional(),
  valueType: z.enum(KV_TYPES).optional(),
  flashAttention: z.enum(['on', 'off', 'auto']).optional(),
  /** How the weights get into memory. */
  loadMode: z.enum(['mmap', 'mlock', 'none']).optional(),
  /** MiB of prompts kept in memory beside those of the slots. */
  promptCacheMiB: count(1 << 20).optional(),
  verbose: z.boolean().optional(),
});
export type LlamaServerOptions = z.output<typeof llamaServerOptions>;
export type LlamaServerOption = keyof LlamaServerOptions;
