#!/usr/bin/env node
/** The command line: arguments enter, exactly one exit code leaves: 0 valid, 1 invalid, 2 bad input, 3 unknown. */
import { Command, CommanderError } from 'commander';
import { type ExitCode, exitCodes, HarnessError } from '../errors.ts';
import { harnessVersion } from '../version.ts';
import { bugsCommand } from './bugs.ts';
import { checkCommand } from './check.ts';
import { compareCommand } from './compare.ts';
import { doctorCommand } from './doctor.ts';
import type { Ended } from './exit-code.ts';
import { lessonsCommand } from './lessons.ts';
import { replayCommand } from './replay.ts';
import { reportCommand } from './report.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { shrinkCommand } from './shrink.ts';

async function main(commandLine: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.valid;
  const ended: Ended = (result) => {
    code = result;
  };
  const program = new Command('kafka-trial')
    .description('Put a Kafka consumer group on trial: generated scenarios, a real client, and a verdict.')
    .version(harnessVersion())
    .addCommand(runCommand(ended))
    .addCommand(replayCommand(ended))
    .addCommand(shrinkCommand(ended))
    .addCommand(bugsCommand(ended))
    .addCommand(compareCommand(ended))
    .addCommand(lessonsCommand(ended))
    .addCommand(checkCommand(ended))
    .addCommand(serveCommand(ended))
    .addCommand(reportCommand(ended))
    .addCommand(doctorCommand(ended))
    .addHelpText(
      'after',
      '\nExit codes: 0 valid, 1 invalid (an illegal anomaly), 2 usage or bad input, 3 unknown (no verdict).',
    );
  for (const command of withSubcommands(program)) command.exitOverride();
  try {
    await program.parseAsync([...commandLine], { from: 'user' });
    return code;
  } catch (error) {
    return explain(error);
  }
}

/** The program, its commands and theirs: none of them may end the process by itself. */
function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap((one) => withSubcommands(one))];
}

/** Says what went wrong on standard error and gives the exit code for it. */
function explain(error: unknown): ExitCode {
  if (error instanceof CommanderError) {
    // Help and version end the same way, with code 0; commander has printed everything already.
    return error.exitCode === 0 ? exitCodes.valid : exitCodes.usage;
  }
  if (error instanceof HarnessError) {
    process.stderr.write(`${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`kafka-trial itself failed, so there is no verdict:\n${stack}\n`);
  return exitCodes.unknown;
}

// A reader that has seen enough (`| head`) ends neither the trial nor its clean-up.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

process.exitCode = await main(process.argv.slice(2));
