import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** npm package that carries the Node binary of a platform; one of them has another prefix. */
export function nodePackageName(platform = process.platform, arch = process.arch) {
  const system = platform === 'win32' ? 'win' : platform;
  const prefix = platform === 'darwin' && arch === 'arm64' ? 'node-bin' : 'node';
  return `${prefix}-${system}-${arch}`;
}

/** Path of the Node that set-up brought into a checkout, or undefined. */
export function localNode(root) {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  const packages = [nodePackageName(), 'node'];
  return packages
    .map((name) => join(root, '.node', 'node_modules', name, 'bin', binary))
    .find((path) => existsSync(path));
}
