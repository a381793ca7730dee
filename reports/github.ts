/**
 * GitHub annotations: a `RunResult` enters, workflow commands leave, one a line, which a step of GitHub Actions prints to
 * have them shown beside the job.
 */
import { count } from './describe-event.ts';
import { shorten, visible } from './escape.ts';
import { replayCommand } from './replay-command.ts';
import { type Finding, findingsOf, outcomeOf, type RunResult } from './results.ts';

/** GitHub shows ten of a kind for a step. */
const OF_A_KIND_MAX = 10;
const TEXT_MAX = 1_000;

type Level = 'error' | 'warning' | 'notice';

export function renderGithub(result: RunResult): string {
  const findings = findingsOf(result);
  const strict = result.options.strict === true;
  const levelOf = (finding: Finding): Level =>
    finding.policy === 'observed' ? 'notice' : finding.known === null || strict ? 'error' : 'warning';
  const lines = (['error', 'warning', 'notice'] as const).flatMap((level) =>
    findings
      .filter((finding) => levelOf(finding) === level)
      .slice(0, OF_A_KIND_MAX - 1)
      .map((finding) => describeFinding(result, finding, level)),
  );
  const { unknown } = result.scenarios;
  const reason = result.results.find((one) => one.unknown.length > 0)?.unknown[0];
  if (unknown > 0)
    lines.push(
      command(
        outcomeOf(result) === 'unknown' ? 'error' : 'warning',
        `No verdict on ${count(unknown, 'scenario')}`,
        [reason ?? 'no reason was recorded'],
      ),
    );
  if (result.interrupted)
    lines.push(
      command('warning', 'kafka-trial stopped before the end', ['This is what was found until then.']),
    );
  return lines.map((line) => `${line}\n`).join('');
}

function describeFinding(result: RunResult, finding: Finding, level: Level): string {
  const replay = replayCommand(result, finding.example);
  const times = `${count(finding.count, 'time')} in ${count(finding.scenarios, 'scenario')}`;
  return command(level, `${finding.property}: ${finding.signature}`, [
    shorten(finding.example.message, TEXT_MAX),
    `${times}${finding.known === null ? '' : `, known as ${finding.known}`}`,
    ...(replay === null ? [] : [`Replay: ${replay}`]),
  ]);
}

/** Escaped as GitHub's own toolkit does (actions/toolkit, command.ts); each line of the message stays one. */
const command = (level: Level, title: string, lines: readonly string[]): string =>
  `::${level} title=${escapeProperty(shorten(visible(title), 200))}::${escapeData(lines.map(visible).join('\n'))}`;

const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
