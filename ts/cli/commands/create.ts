import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Command, Option } from 'clipanion';
import { type Client, type CreateBody, hostElsewhere } from '../../client/index.ts';
import { OmgError } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { digestOfFile, localFiles, localPath } from '../modelfile/local-files.ts';
import { type Modelfile, parseModelfile } from '../modelfile/parse-modelfile.ts';
import { showFileWork } from '../progress/show-transfer.ts';
import type { Session } from '../session.ts';

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
    const body = await createBody(this.model, modelfile, (source, isModel) =>
      this.#upload(session, client, { source, isModel, folder: dirname(path) }),
    );
    if (this.quantize !== undefined) body.quantize = this.quantize;
    let status = '';
    for await (const line of client.create(body, signal)) {
      if (line.warning !== undefined) printer.warn(line.warning);
      else if (line.status !== status) printer.status(line.status);
      status = line.status;
    }
    if (printer.isJson) printer.jsonLine({ model: this.model, status });
    printer.hint(`Chat with it: \`omg run ${this.model}\`.`);
  }

  /** Sends the files that a line names; undefined when it names a model. */
  async #upload(
    { printer, signal, config }: Session,
    client: Client,
    { source, isModel, folder }: { source: string; isModel: boolean; folder: string },
  ): Promise<Record<string, string> | undefined> {
    const files = await localFiles(source, folder);
    if (files === undefined) return undefined;
    // Before gigabytes are read: what cannot run is refused by its headers. A daemon elsewhere sees the files only when they are sent.
    if (isModel && hostElsewhere(config) === undefined) await client.checkModel(localPath(source, folder));
    const digests: Record<string, string> = {};
    for (const { name, path, size } of files) {
      const digest = await showFileWork(printer, 'reading', name, size, (report) => digestOfFile(path, signal, report));
      if (!(await client.hasBlob(digest))) {
        await showFileWork(printer, 'sending', name, size, (report) =>
          client.putBlob(digest, path, size, signal, report),
        );
      }
      digests[name] = digest;
    }
    return digests;
  }
}

async function createBody(
  model: string,
  { from, adapters, ...own }: Modelfile,
  upload: (source: string, isModel: boolean) => Promise<Record<string, string> | undefined>,
): Promise<CreateBody> {
  const body: CreateBody = { model, ...own };
  for (const source of from) {
    const files = await upload(source, true);
    if (files === undefined) body.from = source;
    else body.files = { ...body.files, ...files };
  }
  for (const source of adapters) body.adapters = { ...body.adapters, ...(await upload(source, false)) };
  return body;
}
