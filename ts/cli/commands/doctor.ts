import { Command } from 'clipanion';
import { printableLine } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { examine } from '../doctor/checks.ts';
import type { Finding } from '../doctor/finding.ts';
import type { Session } from '../session.ts';
import { widthOf, wrapRows } from '../terminal/text.ts';

export class DoctorCommand extends DataCommand {
  static override paths = [['doctor']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Check this machine for problems.',
    details:
      'Node, home folder, disk, memory, daemon or port, engine, instruction sets, GPU and driver, proxies, and the way to the hub step by step. Exits with 1 when something failed.',
    examples: [['For a bug report', '$0 doctor --json']],
  });

  protected override async run({ printer, config }: Session): Promise<number> {
    const findings = await examine(config);
    const hasFailed = findings.some(({ status }) => status === 'failed');
    if (printer.isJson) printer.json({ ok: !hasFailed, findings });
    else {
      const { style } = printer;
      const marks: Record<Finding['status'], string> = {
        ok: style.green('✓'),
        warning: style.yellow('!'),
        failed: style.red('✗'),
        skipped: style.dim('-'),
      };
      const names = Math.max(...findings.map(({ name }) => name.length));
      const margin = ' '.repeat(names + 3);
      const width = widthOf(printer.stdout) - margin.length;
      for (const { name, status, detail, hint } of findings) {
        const rows = rowsOf(detail, width);
        printer.styled(`${marks[status]} ${name.padEnd(names)} ${rows[0]}`);
        for (const row of rows.slice(1)) printer.styled(`${margin}${row}`);
        if (hint === undefined) continue;
        for (const row of rowsOf(`→ ${hint}`, width)) printer.styled(margin + style.cyan(row));
      }
      printer.line(summaryOf(findings));
    }
    return hasFailed ? 1 : 0;
  }
}

function rowsOf(text: string, width: number): string[] {
  const line = printableLine(text);
  return width === Number.POSITIVE_INFINITY ? [line] : wrapRows(line, width);
}

/** Such as `1 failed, 2 warnings`. */
function summaryOf(findings: Finding[]): string {
  const count = (wanted: Finding['status']) => findings.filter(({ status }) => status === wanted).length;
  const [failed, warnings] = [count('failed'), count('warning')];
  const words = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]),
  ];
  return words.length === 0 ? 'No problems.' : words.join(', ');
}
