/** `kafka-trial check`: a history on disk enters, whatever produced it, and is judged again; an exit code leaves. */
import { Command } from 'commander';
import { judge } from '../../properties/index.ts';
import { renderJson } from '../../reports/json.ts';
import { RunResultBuilder } from '../../reports/results.ts';
import { renderSummary } from '../../reports/terminal.ts';
import { knownIssuesOf } from '../bugs/known-issues.ts';
import { readHistory } from '../history/reader.ts';
import { type Ended, exitCodeOf } from './exit-code.ts';
import { selectProperties } from './options.ts';
import { colorOf } from './output.ts';

interface CheckOptions {
  readonly properties?: string;
  readonly json?: boolean;
}

export function checkCommand(ended: Ended): Command {
  return new Command('check')
    .description('judge a recorded history again, offline')
    .argument('<history>', 'history.jsonl')
    .option('--properties <ids>', 'check only these properties (comma-separated)')
    .option('--json', 'print one JSON document on standard output')
    .addHelpText(
      'after',
      `
Example:
  kafka-trial check reports/out/latest/scenarios/0003-seed-7-3/history.jsonl --properties duplicate-bound`,
    )
    .action(async (path: string, options: CheckOptions) => {
      const properties = selectProperties(options.properties);
      const startedAt = new Date();
      const startedMs = performance.now();
      const history = await readHistory(path);
      const verdict = judge(history, properties);
      const { scenario, world, client, mutant, versions } = history.start;
      const builder = new RunResultBuilder(
        {
          command: 'check',
          seed: null,
          world,
          client,
          mutant,
          versions,
          startedAt: startedAt.toISOString(),
          options: { history: path },
          runDirectory: null,
        },
        properties,
        await knownIssuesOf(client, mutant),
      );
      const wallSeconds = (performance.now() - startedMs) / 1_000;
      builder.add({ index: 0, scenario, history, verdict, wallSeconds, kept: null });
      const cpu = process.cpuUsage();
      const result = builder.build({
        virtualSeconds: Math.max(0, (history.events.at(-1)?.time ?? 0) / 1_000),
        cpuSeconds: (cpu.user + cpu.system) / 1_000_000,
        wallSeconds,
        goals: {},
        interrupted: false,
        reportFile: null,
      });
      process.stdout.write(
        options.json === true
          ? renderJson(result)
          : renderSummary(result, { color: colorOf(process.stdout), width: process.stdout.columns ?? 100 }),
      );
      ended(exitCodeOf(result));
    });
}
