import { createHash } from 'node:crypto';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';
import { z } from 'zod';
import { writeFileAtomically } from '../config/index.ts';
import { WHOLE_FOLDER } from './components.ts';
import { isSafeFilename } from './safe-filename.ts';
import type { StoreLayout } from './store-layout.ts';
import type { Artifact, InstallRecord, ModelProfile } from './types.ts';

const VERSION = 2;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const profileSchema = z.object({
  parent: z.string().optional(),
  template: z.string().optional(),
  system: z.string().optional(),
  parameters: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.array(z.string())])).optional(),
  messages: z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).optional(),
  license: z.array(z.string()).optional(),
  requires: z.string().optional(),
  renderer: z.string().optional(),
  parser: z.string().optional(),
});
const filenameSchema = z.string().refine(isSafeFilename, 'leaves the folder of the model');
const revisionSchema = z.object({ branch: z.string(), resolvedCommit: z.string().optional() });
const formatSchema = z.enum(['gguf', 'safetensors']);
/** What both versions have. */
const sharedSchema = z.object({
  name: z.object({ host: z.string(), namespace: z.string(), model: z.string(), tag: z.string() }),
  artifacts: z
    .array(
      z.object({
        filename: filenameSchema,
        size: z.number().int().nonnegative(),
        sha256: sha256Schema,
        format: z.enum(['gguf', 'safetensors', 'json', 'text', 'other']),
      }),
    )
    .min(1),
  /** Below the models folder, `/`-separated; absolute for files that were imported in place. */
  localPath: z.string().min(1),
  installedAt: z.iso.datetime(),
  digest: sha256Schema,
  contextLength: z.number().int().min(1).optional(),
  profile: profileSchema.optional(),
});
const manifestSchema = sharedSchema.extend({
  version: z.literal(VERSION),
  source: z.object({ scheme: z.string().min(1), reference: z.string(), revision: revisionSchema }),
  components: z
    .array(
      z.object({
        role: z.enum(['model', 'projector', 'text-encoder', 'vae', 'vocoder', 'adapter', 'draft']),
        path: z.union([z.literal(WHOLE_FOLDER), filenameSchema]),
        format: formatSchema,
      }),
    )
    .min(1),
});
/** Of omg 0.1, which knew one file from one hub. */
const firstSchema = sharedSchema.extend({
  version: z.literal(1),
  modelRef: z.object({ provider: z.string(), repo: z.string(), kind: formatSchema }),
  revision: revisionSchema,
  /** The artifact the engine opens; absent: the folder. */
  engineFile: z.string().optional(),
});
type Manifest = z.infer<typeof manifestSchema>;

function fromFirst({ modelRef, revision, engineFile, ...rest }: z.infer<typeof firstSchema>): Manifest {
  return {
    ...rest,
    version: VERSION,
    source: { scheme: modelRef.provider, reference: modelRef.repo, revision },
    components: [{ role: 'model', path: engineFile ?? WHOLE_FOLDER, format: modelRef.kind }],
  };
}

/** Reads a manifest's text, of this version or of 0.1. Throws an `Error` that says what is wrong with it. */
export function parseManifest(text: string, layout: StoreLayout): { record: InstallRecord; isCurrent: boolean } {
  const read = z.discriminatedUnion('version', [manifestSchema, firstSchema]).parse(JSON.parse(text));
  const manifest = read.version === VERSION ? read : fromFirst(read);
  const localPath = isAbsolute(manifest.localPath) ? manifest.localPath : join(layout.root, manifest.localPath);
  if (!isAbsolute(manifest.localPath) && !isInside(layout.files, localPath)) {
    throw new Error('localPath leaves the models folder');
  }
  for (const { path } of manifest.components) {
    if (path === WHOLE_FOLDER || manifest.artifacts.some(({ filename }) => filename === path)) continue;
    throw new Error(`the component ${path} is not among the artifacts`);
  }
  const record: InstallRecord = {
    name: manifest.name,
    source: manifest.source,
    artifacts: manifest.artifacts,
    components: manifest.components,
    localPath,
    installedAt: manifest.installedAt,
    digest: manifest.digest,
    sizeBytes: sizeOf(manifest.artifacts),
    ...(manifest.contextLength === undefined ? {} : { contextLength: manifest.contextLength }),
    ...(manifest.profile === undefined ? {} : { profile: manifest.profile }),
  };
  return { record, isCurrent: read.version === VERSION };
}

export async function writeManifest(record: InstallRecord, layout: StoreLayout): Promise<void> {
  const { sizeBytes: _, ...rest } = record;
  const manifest: z.input<typeof manifestSchema> = {
    version: VERSION,
    ...rest,
    localPath: isManaged(record, layout)
      ? relative(layout.root, record.localPath).split(sep).join('/')
      : record.localPath,
  };
  await writeFileAtomically(layout.manifest(record.name), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Whether the files are the store's own. Others are the user's and are never removed. */
export function isManaged(record: InstallRecord, layout: StoreLayout): boolean {
  return isInside(layout.files, record.localPath);
}

/** The id of a model: the same files under the same names have the same one, and another with a profile. */
export function digestOf(artifacts: readonly Artifact[], profile?: ModelProfile): string {
  const lines = artifacts.map(({ filename, size, sha256 }) => `${sha256} ${size} ${filename}\n`).sort();
  if (profile !== undefined) lines.push(JSON.stringify(profile));
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** The id of a model's files alone: models that differ in their profile only share what is loaded. */
export function contentDigest({ artifacts, digest, profile }: InstallRecord): string {
  return profile === undefined ? digest : digestOf(artifacts);
}

export function sizeOf(artifacts: readonly Artifact[]): number {
  return artifacts.reduce((sum, { size }) => sum + size, 0);
}

function isInside(folder: string, path: string): boolean {
  return normalize(path).startsWith(normalize(folder) + sep);
}
