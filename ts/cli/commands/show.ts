import { Command, Option } from 'clipanion';
import type { ModelEntry, ShowReply } from '../../client/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Printer } from '../printer.ts';
import type { Session } from '../session.ts';
import { formatBytes } from '../terminal/units.ts';

export class ShowCommand extends DataCommand {
  static override paths = [['show'], ['info'], ['inspect'], ['model', 'show'], ['model', 'info'], ['model', 'inspect']];
  static override usage = Command.Usage({
    category: CATEGORY.models,
    description: 'Show the details of a model.',
    examples: [
      ['Source, type, path, size and abilities', '$0 show demo'],
      ['The chat template only', '$0 show demo --template'],
      ['A Modelfile to change and create from', '$0 show demo --modelfile'],
    ],
  });

  model = Option.String({ name: 'model' });
  template = Option.Boolean('--template', false, { description: 'Print the chat template.' });
  modelfile = Option.Boolean('--modelfile', false, { description: 'Print a Modelfile that makes the same model.' });
  system = Option.Boolean('--system', false, { description: 'Print the system text.' });
  parameters = Option.Boolean('--parameters', false, { description: 'Print the parameters.' });
  license = Option.Boolean('--license', false, { description: 'Print the license.' });
  tensors = Option.Boolean('--tensors', false, { description: 'List the tensors.' });

  protected override async run(session: Session): Promise<void> {
    const { printer } = session;
    const client = await session.daemon();
    const [entry, details] = await Promise.all([client.model(this.model), client.show(this.model, this.tensors)]);
    if (printer.isJson) return printer.json({ ...entry, ...details });
    const one = this.#oneOf(details);
    if (one !== undefined) return printer.text(one);
    showModel(printer, entry, details);
    if (this.tensors) {
      printer.line();
      printer.table(
        [{ title: 'TENSOR' }, { title: 'TYPE', drop: 2 }, { title: 'SHAPE', align: 'right', drop: 1 }],
        (details.tensors ?? []).map(({ name, type, shape }) => [name, type, shape.join(' × ')]),
      );
    }
  }

  /** The part that was asked for alone. */
  #oneOf(details: ShowReply): string | undefined {
    if (this.modelfile) return details.modelfile;
    if (this.template) return details.template;
    if (this.system) return details.system;
    if (this.parameters) return details.parameters;
    return this.license ? details.license : undefined;
  }
}

function showModel(printer: Printer, entry: ModelEntry, details: ShowReply): void {
  const { source, runtime } = entry;
  printer.pairs('Model', [
    ['name', entry.name],
    ['family', entry.family],
    ['parameters', entry.parameter_size],
    ['quantization', entry.quantization],
    ['context length', String(entry.context_length)],
    ['capabilities', entry.capabilities.join(', ')],
    ...(entry.template_problem === undefined
      ? []
      : [['chat template', `cannot be used: ${entry.template_problem}`] satisfies [string, string]]),
  ]);
  printer.line();
  printer.pairs('Files', [
    [
      'source',
      source.commit === null
        ? `${source.provider} ${source.repo}`
        : `${source.provider} ${source.repo}@${source.commit.slice(0, 12)}`,
    ],
    ['type', entry.format],
    ['path', entry.path],
    ['size', formatBytes(entry.size)],
    ['id', entry.digest.slice(0, 12)],
    ...entry.files.map(({ name, size }): [string, string] => ['file', `${name}   ${formatBytes(size)}`]),
  ]);
  if (runtime !== undefined) {
    printer.line();
    printer.pairs('Running', [
      ['state', entry.state],
      ['device', runtime.device ?? ''],
      ['context', String(runtime.context_length ?? '')],
      ['memory', runtime.memory === null ? '' : formatBytes(runtime.memory)],
    ]);
  }
  if (details.system.trim() !== '') {
    printer.line();
    printer.pairs('System', [['text', details.system.trim().split('\n')[0] ?? '']]);
  }
  if (details.parameters.trim() !== '') {
    printer.line();
    printer.pairs('Parameters', details.parameters.trim().split('\n').map(nameAndValue));
  }
  if (details.license.trim() !== '') {
    printer.line();
    printer.pairs('License', [['text', details.license.trim().split('\n')[0] ?? '']]);
  }
}

function nameAndValue(line: string): [string, string] {
  const [, name = line, value = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
  return [name, value];
}
