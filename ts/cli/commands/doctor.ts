import { Command } from 'clipanion';
import { printableLine } from '../../errors/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import { examine } from '../doctor/checks.ts';
import type { Finding } from '../doctor/finding.ts';
import type { Session } from '../session.ts';

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
      for (const { name, status, detail } of findings)
        printer.styled(`${marks[status]} ${name.padEnd(8)} ${printableLine(detail)}`);
      for (const { hint } of findings) if (hint !== undefined) printer.hint(hint);
    }
    return hasFailed ? 1 : 0;
  }
}
