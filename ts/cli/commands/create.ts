import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command, Option } from 'clipanion';
import type { Client, CreateBody } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { digestOfFile, localFiles } from '../modelfile/local-files.ts';
import { type Modelfile, parseModelfile } from '../modelfile/parse-modelfile.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class CreateCommand extends DataCommand {
  static override paths = [['create'], ['model', 'create']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Create a model from a Modelfile.',
    details:
      'A Modelfile says what the model is made of (`FROM`: a model, a GGUF file or a folder) and what it says of its own: `SYSTEM`, `TEMPLATE` (Jinja, or a Go template of Ollama), `PARAMETER`, `MESSAGE`, `LICENSE`. `omg show --modelfile` prints the one of an installed model.',
    examples: [
      ['From ./Modelfile', '$0 create pirate'],
      ['From another file', '$0 create pirate -f pirate.modelfile'],
    ],
  });

  model = Option.String({ name: 'name' });
  file = Option.String('-f,--file', 'Modelfile', { description: 'The Modelfile.' });
  quantize = Option.String('--quantize', { description: 'Quantize to this type, such as q4_K_M.' });

  protected override async run(session: Session): Promise<void> {
    const { printer, signal } = session;
    const path = resolve(this.file);
    const modelfile = parseModelfile(
      await readFile(path, 'utf8').catch((error: unknown) => {
        throw new OmgError('not_found', `There is no Modelfile ${path}.`, { hint: 'Name it with -f.', cause: error });
      }),
    );
    const client = await session.daemon();
    const body = await createBody(this.model, modelfile, (source) =>
      this.#upload(session, client, source, dirname(path)),
    );
    if (this.quantize !== undefined) body.quantize = this.quantize;
    let status = '';
    for await (const line of client.create(body, signal)) {
      if (line.warning !== undefined) printer.warn(line.warning);
      else if (line.status !== status) printer.status(line.status);
      status = line.status;
    }
    if (printer.isJson) printer.json({ model: this.model, status });
    printer.hint(`Chat with it: \`omg run ${this.model}\`.`);
  }

  /** Sends the files that a line names; undefined when it names a model. */
  async #upload(
    { printer, signal }: Session,
    client: Client,
    source: string,
    folder: string,
  ): Promise<Record<string, string> | undefined> {
    const files = await localFiles(source, folder);
    if (files === undefined) return undefined;
    const digests: Record<string, string> = {};
    for (const { name, path, size } of files) {
      const digest = await digestOfFile(path, signal);
      if (!(await client.hasBlob(digest))) {
        printer.status(`sending ${name} (${formatBytes(size)})`);
        await client.putBlob(digest, path, size, signal);
      }
      digests[name] = digest;
    }
    return digests;
  }
}

async function createBody(
  model: string,
  { from, adapters, ...own }: Modelfile,
  upload: (source: string) => Promise<Record<string, string> | undefined>,
): Promise<CreateBody> {
  const body: CreateBody = { model, ...own };
  for (const source of from) {
    const files = await upload(source);
    if (files === undefined) body.from = source;
    else body.files = { ...body.files, ...files };
  }
  for (const source of adapters) body.adapters = { ...body.adapters, ...(await upload(source)) };
  return body;
}
