import { join } from 'node:path';
import { groupGguf, isGguf, type NamedFile, roleOf, selectSafetensors } from './model-files.ts';
import type { Component, ComponentRole, InstallRecord } from './types.ts';

/** The path of a component that is the whole folder. */
export const WHOLE_FOLDER = '.';

/** The parts of a model by the names of its files; empty when they hold no model. */
export function componentsOf(files: readonly NamedFile[]): Component[] {
  const components: Component[] = [];
  const [gguf] = groupGguf(files);
  if (gguf !== undefined) components.push({ role: 'model', path: gguf.files[0]?.filename ?? '', format: 'gguf' });
  else if (selectSafetensors(files).length > 0) {
    components.push({ role: 'model', path: WHOLE_FOLDER, format: 'safetensors' });
  }
  for (const { filename } of files) {
    const role = roleOf(filename);
    if (role === undefined || role === 'model') continue;
    components.push({ role, path: filename, format: isGguf(filename) ? 'gguf' : 'safetensors' });
  }
  return components;
}

/** Where the (first) component of a role is in a folder; undefined when there is none. */
export function componentPath(
  { localPath, components }: Pick<InstallRecord, 'localPath' | 'components'>,
  role: ComponentRole,
): string | undefined {
  const found = components.find((component) => component.role === role);
  return found && join(localPath, found.path);
}

/** What the engine opens: the (first) GGUF file, or the safetensors folder. */
export function modelPath(record: Pick<InstallRecord, 'localPath' | 'components'>): string {
  return componentPath(record, 'model') ?? record.localPath;
}

export function modelFormat({ components }: Pick<InstallRecord, 'components'>): Component['format'] {
  return components.find(({ role }) => role === 'model')?.format ?? 'safetensors';
}
