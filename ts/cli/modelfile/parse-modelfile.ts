import { OmgError } from '../../errors/index.ts';

/** What a Modelfile says, under the names of `POST /api/create`. `from` and `adapters` are as written: paths or names. */
export interface Modelfile {
  from: string[];
  adapters: string[];
  template?: string;
  system?: string;
  license: string[];
  parameters: Record<string, string | number | boolean | string[]>;
  messages: { role: string; content: string }[];
  renderer?: string;
  parser?: string;
  requires?: string;
}

/** Reads a Modelfile: a command per line, a value in one or three quotation marks may span lines. Throws `invalid_request`. */
export function parseModelfile(text: string): Modelfile {
  const file: Modelfile = { from: [], adapters: [], license: [], parameters: {}, messages: [] };
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  for (let at = 0; at < lines.length; at++) {
    const number = at + 1;
    const line = (lines[at] ?? '').trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, command = '', first = ''] = /^(\S+)\s*(.*)$/s.exec((lines[at] ?? '').trimStart()) ?? [];
    const { lead, start } = leadOf(command, first, number);
    let value = start;
    let read = unquoted(value);
    while (read === undefined) {
      at += 1;
      if (at >= lines.length) throw invalid(number, 'a quotation mark is not closed');
      value += `\n${lines[at]}`;
      read = unquoted(value);
    }
    if (read === '' && command.toUpperCase() !== 'SYSTEM') throw invalid(number, `${command} has no value`);
    apply(file, command.toUpperCase(), lead, read, number);
  }
  if (file.from.length === 0) throw new OmgError('invalid_request', 'The Modelfile has no FROM line.');
  return file;
}

/** PARAMETER and MESSAGE have a word in front of their value. */
function leadOf(command: string, text: string, line: number): { lead: string; start: string } {
  if (!/^(?:PARAMETER|MESSAGE)$/i.test(command)) return { lead: '', start: text };
  const [, lead = '', start = ''] = /^(\S+)\s*(.*)$/s.exec(text) ?? [];
  if (lead === '') throw invalid(line, `${command} has no value`);
  return { lead, start };
}

/** The value without its quotation marks; undefined while they are not closed. */
function unquoted(text: string): string | undefined {
  const trimmed = text.trim();
  for (const mark of ['"""', '"']) {
    if (!trimmed.startsWith(mark)) continue;
    const closed = trimmed.length >= 2 * mark.length && trimmed.endsWith(mark);
    return closed ? trimmed.slice(mark.length, -mark.length) : undefined;
  }
  return trimmed;
}

function apply(file: Modelfile, command: string, lead: string, value: string, line: number): void {
  switch (command) {
    case 'FROM':
      file.from.push(value);
      return;
    case 'ADAPTER':
      file.adapters.push(value);
      return;
    case 'TEMPLATE':
      file.template = value;
      return;
    case 'SYSTEM':
      file.system = value;
      return;
    case 'LICENSE':
      file.license.push(value);
      return;
    case 'MESSAGE':
      file.messages.push({ role: lead, content: value });
      return;
    case 'RENDERER':
      file.renderer = value;
      return;
    case 'PARSER':
      file.parser = value;
      return;
    case 'REQUIRES':
      file.requires = value;
      return;
    case 'PARAMETER':
      addParameter(file.parameters, lead.toLowerCase(), value);
      return;
    default:
      throw invalid(line, `there is no command ${JSON.stringify(command)}`);
  }
}

function addParameter(parameters: Modelfile['parameters'], key: string, value: string): void {
  if (key === 'stop') {
    const known = parameters[key];
    parameters[key] = [...(Array.isArray(known) ? known : []), value];
  } else if (/^(?:true|false)$/i.test(value)) parameters[key] = value.toLowerCase() === 'true';
  else parameters[key] = value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
}

function invalid(line: number, why: string): OmgError {
  return new OmgError('invalid_request', `Line ${line} of the Modelfile: ${why}.`, {
    hint: 'Commands are FROM, TEMPLATE, SYSTEM, PARAMETER, MESSAGE, LICENSE, ADAPTER, RENDERER, PARSER and REQUIRES.',
  });
}
