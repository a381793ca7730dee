/**
 * `kafka-trial report`: run directories enter; what was found there is rendered again, or shards are put together to one
 * run first; files, or text on standard output, and an exit code leave.
 */
import { Command, InvalidArgumentError } from 'commander';
import { UsageError } from '../errors.ts';
import type { Ended } from './exit-code.ts';
import type { Format, ReportOptions } from './write-reports.ts';

const formats = ['html', 'junit', 'markdown', 'json', 'github'] as const satisfies readonly Format[];

function parseFormats(text: string): Format[] {
  return text.split(',').map((name) => {
    const format = formats.find((one) => one === name.trim());
    if (format === undefined)
      throw new InvalidArgumentError(
        `'${name}' is no format. Expected one or more of ${formats.join(', ')}.`,
      );
    return format;
  });
}

export function reportCommand(ended: Ended): Command {
  return new Command('report')
    .description('render the results of runs again, or put the shards of one run together')
    .argument('<run-dir...>', 'run directories, such as reports/out/latest')
    .option('--format <formats>', `one or more of ${formats.join(', ')} (comma-separated)`, parseFormats, [
      'html',
      'junit',
      'markdown',
    ])
    .option('--merge', 'put the shards of one run (`run --shard i/n`) together to a run directory of its own')
    .option('--out <dir>', 'where --merge puts it', 'reports/out')
    .option('--json', 'print one JSON document on standard output, everything else on standard error')
    .addHelpText(
      'after',
      `
html, junit and markdown become files in the run directory: report.html, junit.xml, summary.md. json is run.json itself.
github prints annotations, which GitHub Actions takes from standard output. Where markdown, json or github is the only
format, it is printed and nothing is written. The exit code is that of the run; of several, the worst one.

Examples:
  kafka-trial report reports/out/latest
  kafka-trial report reports/out/latest --format markdown >> "$GITHUB_STEP_SUMMARY"
  kafka-trial report reports/out/latest --format github
  kafka-trial report shards/*/ --merge --out reports/out`,
    )
    .action(async (paths: string[], options: ReportOptions) => {
      if (options.json === true && paths.length > 1 && options.merge !== true)
        throw new UsageError('--json prints one document, and these are several runs.', {
          hint: 'Name one run directory, or give --merge.',
        });
      // Loaded when it is needed, so that --help and bad input are answered at once.
      const { writeReports } = await import('./write-reports.ts');
      ended(await writeReports(paths, options));
    });
}
