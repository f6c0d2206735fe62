import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { IMAGE_FILES } from '../../../scripts/release/images.ts';
import { RELEASE_KEYS } from '../../../scripts/release-keys.ts';
import { CUDA, cudaArchitecture, cudaMajor, TARGETS } from '../../../scripts/targets.ts';
import { ROOT, readRepositoryFile, repositoryFiles, repositoryJson } from './checkout.ts';

const files = repositoryFiles();
const workflows = files.filter((path) => /^\.github\/workflows\/.*\.yml$/.test(path));
const version = String(repositoryJson('package.json').version);

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, { permissions?: Record<string, string>; 'timeout-minutes'?: number; uses?: string }>;
}

describe('workflows', () => {
  test('are there', () => {
    expect(workflows.map((path) => path.split('/').at(-1)).sort()).toEqual([
      'ci.yml',
      'native.yml',
      'nightly.yml',
      'release.yml',
    ]);
  });

  test.each(workflows)('%s pins every action by its commit, and says which version that is', (path) => {
    const uses = [...readRepositoryFile(path).matchAll(/uses:\s*(\S+)(.*)$/gm)].filter(
      ([, name]) => !name?.startsWith('./'),
    );
    const loose = uses.filter(
      ([, name = '', comment = '']) => !/@[0-9a-f]{40}$/.test(name) || !/^ # v\d/.test(comment),
    );
    expect(loose.map(([line]) => line)).toEqual([]);
  });

  test('pin one commit per action', () => {
    const pins = workflows.flatMap((path) => [...readRepositoryFile(path).matchAll(/uses:\s*([\w-]+\/[\w-]+)@(\w+)/g)]);
    const commits = new Map<string, Set<string>>();
    for (const [, name = '', commit = ''] of pins) commits.set(name, (commits.get(name) ?? new Set()).add(commit));
    expect([...commits].filter(([, found]) => found.size > 1)).toEqual([]);
  });

  test.each(workflows)('%s may read and no more, but where a job says why', (path) => {
    const { permissions, jobs } = parse(readRepositoryFile(path)) as Workflow;
    expect(permissions).toEqual({ contents: 'read' });
    const writers = Object.entries(jobs).filter(([, job]) => Object.values(job.permissions ?? {}).includes('write'));
    expect(writers.map(([name]) => name)).toEqual(
      path.endsWith('release.yml') ? ['publish-npm', 'publish-archives', 'images'] : [],
    );
    for (const [name, job] of Object.entries(jobs)) {
      if (job.uses === undefined) expect(job['timeout-minutes'], name).toBeGreaterThan(0);
    }
  });

  test('the jobs come from the table of targets', () => {
    const output = execFileSync(process.execPath, ['scripts/release/matrix.ts'], { cwd: ROOT, encoding: 'utf8' });
    const lines = Object.fromEntries(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const native = JSON.parse(lines.native ?? '') as { include: { target: string }[] };
    expect(native.include.map(({ target }) => target)).toEqual(TARGETS.map(({ name }) => name));
    const cuda = JSON.parse(lines.cuda ?? '') as { include: unknown[] };
    expect(cuda.include).toHaveLength(CUDA.targets.length * CUDA.capabilities.length);
  });
});

describe('containers', () => {
  const dockerfiles = files.filter((path) => /\/Dockerfile(?:\.cuda)?$/.test(path));

  test.each(dockerfiles)('%s does not run as root, keeps its data in a volume and stops in good order', (path) => {
    const text = readRepositoryFile(path);
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(last).toMatch(/^USER \d+$/m);
    expect(last).toContain('OMG_HOME=/data');
    expect(last).toMatch(/^VOLUME \/data$/m);
    expect(last).toContain('STOPSIGNAL SIGTERM');
    // Without a key nothing is served beyond the container.
    expect(last).not.toMatch(/OMG_API_KEY=|INSECURE/);
  });

  test('the CUDA image has the toolkit of the table', () => {
    const texts = ['cuda', 'release'].map((ending) => readRepositoryFile(`scripts/deploy/docker/Dockerfile.${ending}`));
    const versions = [...texts.join('\n').matchAll(/nvidia\/cuda:([\d.]+)-/g)].map((match) => match[1]);
    expect(versions).toEqual([CUDA.toolkit, CUDA.toolkit, CUDA.toolkit]);
  });

  test('no image is named where it could not be pinned, and a release asks for digests', () => {
    const elsewhere = files
      .filter((path) => /^(?:\.github|scripts)\/.*\.(?:ya?ml|mjs|ts)$/.test(path) && !/\.test\.|compose/.test(path))
      .filter((path) =>
        /\b(?:alpine|debian|ubuntu|node|rust|nvidia\/cuda):(?:\d|\$|[a-z]+-slim)/.test(readRepositoryFile(path)),
      );
    expect(elsewhere).toEqual([]);
    expect(files.filter((path) => /^scripts\/.*\/(?:Dockerfile|compose)[^/]*$/.test(path)).sort()).toEqual(
      [...IMAGE_FILES].sort(),
    );
    expect(readRepositoryFile('.github/workflows/release.yml')).toContain('pin-images.mjs --check');
  });

  test('no Dockerfile takes its syntax from an image', () => {
    const others = files.filter((path) => /\/Dockerfile/.test(path) && /^# *syntax *=/m.test(readRepositoryFile(path)));
    expect(others).toEqual([]);
  });

  test('there is a CUDA image for each generation of GPUs, and the chart chooses one', () => {
    const release = readRepositoryFile('.github/workflows/release.yml');
    const images = [...release.matchAll(/suffix: '-cuda-sm(\d+)', architecture: (\w+)/g)];
    const oldest = CUDA.capabilities.filter((one, at, all) => {
      const before = all[at - 1];
      return before === undefined || cudaMajor(before) < cudaMajor(one);
    });
    expect(images.map(([, generation, architecture]) => [generation, architecture])).toEqual(
      oldest.map((capability) => [`${capability}`, cudaArchitecture(capability)]),
    );
    const schema = readRepositoryFile('scripts/deploy/helm/ohmygpu/values.schema.json');
    expect(JSON.parse(schema).properties.gpu.properties.generation.enum).toEqual(oldest.map(String));
  });

  test('the compose file opens ports on this machine only and asks for a key', () => {
    const compose = parse(readRepositoryFile('scripts/deploy/docker/compose.yaml')) as {
      services: Record<string, { ports: string[]; environment: Record<string, string> }>;
    };
    const { omg, 'open-webui': webui } = compose.services;
    expect([...(omg?.ports ?? []), ...(webui?.ports ?? [])].every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(omg?.environment.OMG_API_KEY).toContain(':?');
    expect(webui?.environment.OPENAI_API_BASE_URL).toBe('http://omg:10692/v1');
  });
});

test('the address of the installers leads to those of this repository', () => {
  const { repository } = repositoryJson('package.json') as { repository: { url: string } };
  const raw = repository.url.replace(
    /^git\+https:\/\/github\.com\/(.+)\.git$/,
    'https://raw.githubusercontent.com/$1/main/',
  );
  const rules = readRepositoryFile('scripts/deploy/get.ohmygpu.com/_redirects').matchAll(/^(\/\S*)\s+(\S+)\s+302$/gm);
  const targets = new Map([...rules].map(([, from = '', to = '']) => [from, to]));
  expect([...targets.keys()]).toEqual(['/', '/install.sh', '/install.ps1']);
  for (const to of targets.values()) {
    expect(to.startsWith(raw)).toBe(true);
    expect(files).toContain(to.slice(raw.length));
  }
});

test('whatever is fetched with curl keeps to https and new TLS', () => {
  const lines = files
    .filter((path) => /\.(?:md|sh|ya?ml|ts|mjs)$|Dockerfile/.test(path))
    .flatMap((path) => readRepositoryFile(path).split('\n'))
    .filter((line) => /\bcurl\b.*https:\/\//.test(line) && !line.includes('curl\\b'));
  expect(lines.length).toBeGreaterThan(5);
  expect(lines.filter((line) => !line.includes("--proto '=https' --tlsv1.2"))).toEqual([]);
});

describe('the key of releases', () => {
  test('is one that Node, openssl and Windows can check with', () => {
    for (const key of RELEASE_KEYS) {
      const { asymmetricKeyDetails } = createPublicKey({
        key: Buffer.from(key, 'base64'),
        format: 'der',
        type: 'spki',
      });
      expect(asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    }
    expect(RELEASE_KEYS.length).toBeGreaterThan(0);
  });

  test('is seen by one job, which cannot publish, and on tags only', () => {
    const seers = workflows.flatMap((path) => {
      const { jobs } = parse(readRepositoryFile(path)) as Workflow;
      return Object.entries(jobs).filter(([, job]) => JSON.stringify(job).includes('secrets.RELEASE_SIGNING_KEY'));
    });
    expect(seers.map(([name]) => name)).toEqual(['sign']);
    expect(seers[0]?.[1].permissions).toBeUndefined();
    expect(JSON.stringify(seers)).toContain("github.ref_type == 'tag' && secrets.RELEASE_SIGNING_KEY || ''");
  });

  test('has no private half in the checkout', () => {
    // In two parts, so that this file is not one.
    const mark = ['PRIVATE KEY', '-----'].join('');
    expect(
      files.filter((path) => /\.(?:pem|key|ts|mjs|md|yml|json)$/.test(path) && readRepositoryFile(path).includes(mark)),
    ).toEqual([]);
  });
});

describe('the Helm chart', () => {
  const chart = 'scripts/deploy/helm/ohmygpu';

  test('has the version of package.json', () => {
    const { version: own, appVersion } = parse(readRepositoryFile(`${chart}/Chart.yaml`)) as Record<string, string>;
    expect([own, appVersion]).toEqual([version, version]);
  });

  test('its schema knows every value and nothing else', () => {
    interface Schema {
      type?: string;
      properties?: Record<string, Schema>;
    }
    const schema = repositoryJson(`${chart}/values.schema.json`) as Schema;
    const values = parse(readRepositoryFile(`${chart}/values.yaml`)) as Record<string, unknown>;
    const { global: _, ...known } = schema.properties ?? {};
    expect(Object.keys(values).sort()).toEqual(Object.keys(known).sort());
    for (const [name, { properties }] of Object.entries(known)) {
      if (properties !== undefined)
        expect(Object.keys(values[name] as object).sort(), name).toEqual(Object.keys(properties).sort());
    }
  });

  test('its templates use only values that exist', () => {
    const values = parse(readRepositoryFile(`${chart}/values.yaml`)) as Record<string, Record<string, unknown>>;
    const templates = files.filter((path) => path.startsWith(`${chart}/templates/`));
    const used = templates.flatMap((path) => [...readRepositoryFile(path).matchAll(/\.Values\.(\w+)(?:\.(\w+))?/g)]);
    expect(used.length).toBeGreaterThan(30);
    const unknown = used.filter(
      ([, group = '', name]) => !(group in values) || (name !== undefined && !(name in (values[group] ?? {}))),
    );
    expect(unknown.map(([path]) => path)).toEqual([]);
  });
});
