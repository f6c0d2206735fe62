const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32', 'aix'];
const CPUS = ['arm64', 'arm', 'x64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32', 'mips64el'];

/** Optional dependencies that a lock file names but does not describe, with the entries to add for them. */
export function missingPlatformPackages(lock) {
  const missing = [];
  for (const [holder, { optionalDependencies, dev }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
      // A range cannot be pinned without asking the registry; platform packages name exact versions.
      if (!/^\d+\.\d+\.\d+/.test(version)) continue;
      const found = resolved(lock, holder, name);
      if (found?.version === version) continue;
      const location = found ? `${holder}/node_modules/${name}` : `node_modules/${name}`;
      missing.push({ location, entry: { version, ...platformOf(name), ...(dev ? { dev } : {}), optional: true } });
    }
  }
  return missing;
}

/** The entry that the package at `holder` gets for `name`: its own, or that of the nearest folder above. */
function resolved(lock, holder, name) {
  for (let folder = holder; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const entry = lock.packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`];
    if (entry || folder === '') return entry;
  }
}

/** What the name of a platform package says about where it runs, in package.json's terms. */
export function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = CPUS.filter((arch) => words.includes(arch));
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : [];
  const fields = Object.entries({ cpu, os, libc });
  return Object.fromEntries(fields.filter(([, values]) => values.length > 0));
}
