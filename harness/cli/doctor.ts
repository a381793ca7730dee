/**
 * `kafka-trial doctor`: says what this machine can run and what to do about the rest, and removes what harnesses that
 * were killed left behind; an exit code leaves: 0 where both worlds can run, 3 where real Kafka cannot.
 */
import { Command } from 'commander';
import { exitCodes } from '../errors.ts';
import { NAME_PREFIX } from '../world/kafka/names.ts';
import { readConnection } from './connection.ts';
import type { Finding } from './doctor-checks.ts';
import type { Ended } from './exit-code.ts';

interface DoctorOptions {
  readonly brokers?: string;
  readonly connection?: string;
  readonly clean?: boolean;
  readonly json?: boolean;
}

export function doctorCommand(ended: Ended): Command {
  return new Command('doctor')
    .description('say what this machine can run, and what to do about the rest')
    .option('--brokers <addresses>', 'look at this cluster too (host:port, comma-separated)')
    .option('--connection <file>', 'JSON file with bootstrapServers, tls and sasl')
    .option('--clean', `with a cluster: remove all topics and groups there that begin with ${NAME_PREFIX}`)
    .option('--json', 'print one JSON document on standard output')
    .addHelpText(
      'after',
      `
Containers and processes that a killed harness left on this machine are removed at once. On a cluster of yours nothing
tells a dead run from a live one on another machine, so its topics and groups are removed only with --clean.

Examples:
  kafka-trial doctor
  kafka-trial doctor --brokers localhost:9092 --clean`,
    )
    .action(async (options: DoctorOptions) => {
      const connection = readConnection(options, process.env);
      // Loaded when it is needed, so that --help and bad input are answered at once.
      const { examine } = await import('./doctor-checks.ts');
      const { findings, kafka } = await examine(connection, options.clean === true);
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ schema: 1, command: 'doctor', worlds: { sim: true, kafka }, checks: findings }, null, 2)}\n`
          : render(findings, kafka),
      );
      ended(kafka ? exitCodes.valid : exitCodes.unknown);
    });
}

function render(findings: readonly Finding[], kafka: boolean): string {
  const marks = { good: '✓', poor: '!', missing: '✗' } as const;
  const lines = findings.flatMap(({ status, sentence, hint }) => [
    `${marks[status]} ${sentence}`,
    ...(hint === null ? [] : [`  ${hint}`]),
  ]);
  return `${[...lines, '', `The simulated world can run here; real Kafka ${kafka ? 'can too' : 'cannot run here yet'}.`].join('\n')}\n`;
}
