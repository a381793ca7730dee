/**
 * Markdown for the summary of a continuous-integration job (GitHub's flavour): a `RunResult` enters, a short page leaves:
 * the verdict, what ran, the findings with their replay, the properties.
 */
import { count } from './describe-event.ts';
import { shorten } from './escape.ts';
import { cell, code, fenced, text } from './markdown-words.ts';
import { commandsOf, planPath, replayCommands } from './replay-command.ts';
import { type Finding, findingsOf, outcomeOf, type RunResult } from './results.ts';

/** GitHub takes a megabyte of summary from a step; twenty findings are more than a person reads there. */
const FINDINGS_MAX = 20;
const TEXT_MAX = 600;
const ACCOUNT_LINES_MAX = 6;

const signs = { valid: '✅', invalid: '❌', unknown: '⚠️' } as const;
const worldNames = { kafka: 'real Apache Kafka', simulated: 'the simulated world' } as const;

export function renderMarkdown(result: RunResult): string {
  const outcome = outcomeOf(result);
  const findings = findingsOf(result);
  const illegal = findings.filter((finding) => finding.policy === 'illegal');
  const observed = findings.filter((finding) => finding.policy === 'observed');
  const { run, valid, invalid, unknown } = result.scenarios;
  const { client, mutant, seed } = result;
  const sections = [
    [`## ${signs[outcome]} kafka-trial: ${outcome}`],
    [
      `${code(`${client.name} ${client.version}`)}${mutant === null ? '' : `, broken on purpose (${code(mutant)}),`} in ${worldNames[result.world]}: ${count(run, 'scenario')}, ${valid} valid, ${invalid} invalid, ${unknown} unknown${seed === null ? '' : `; seed ${seed}`}.`,
      ...(result.interrupted ? ['', '**Stopped before the end; this is what was found until then.**'] : []),
    ],
    ...illegal.slice(0, FINDINGS_MAX).map((finding) => describeFinding(result, finding)),
    illegal.length > FINDINGS_MAX
      ? [`${count(illegal.length - FINDINGS_MAX, 'more finding')} in the report.`]
      : [],
    observed.length === 0
      ? []
      : [
          'Seen, and allowed by these configurations:',
          '',
          ...observed
            .slice(0, FINDINGS_MAX)
            .map(
              (finding) =>
                `- ${code(finding.property)}: ${text(finding.signature)}, ${count(finding.count, 'time')}`,
            ),
        ],
    unknownLines(result),
    propertyTable(result),
    [`<sub>${text(versionsOf(result))}</sub>`],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function describeFinding(result: RunResult, finding: Finding): string[] {
  const { example } = finding;
  const commands = commandsOf(result, example);
  const { shrunkFile = null } = example;
  const small = replayCommands(result, { scenarioFile: shrunkFile })?.simulated;
  const path = planPath(result, example.scenarioIndex);
  return [
    `### ${finding.known === null ? '' : 'Known: '}${code(finding.property)}: ${text(finding.signature)}`,
    '',
    text(shorten(example.message, TEXT_MAX)),
    '',
    `${count(finding.count, 'time')} in ${count(finding.scenarios, 'scenario')}${
      finding.known === null ? '' : `, known as ${text(finding.known)}`
    }; for example in ${code(example.scenario)}${path === null ? '' : `, which is ${code(path)} on any machine`}.`,
    ...(example.account.length === 0 ? [] : ['', ...fenced(example.account.slice(-ACCOUNT_LINES_MAX))]),
    ...(commands === null
      ? []
      : [
          '',
          ...fenced(
            [small, commands.simulated, commands.kafka].flatMap((command) => command ?? []),
            'sh',
          ),
        ]),
  ];
}

function unknownLines({ results }: RunResult): string[] {
  const reasons = [...new Set(results.flatMap((one) => one.unknown))].slice(0, FINDINGS_MAX);
  if (reasons.length === 0) return [];
  return [
    'Why there is no verdict on some scenarios:',
    '',
    ...reasons.map((reason) => `- ${text(shorten(reason, TEXT_MAX))}`),
  ];
}

function propertyTable({ properties }: RunResult): string[] {
  if (properties.length === 0) return [];
  return [
    '| | property | illegal | seen, allowed | scenarios checked |',
    '|---|---|--:|--:|--:|',
    ...properties.map(({ id, title, illegal, observed, checked }) => {
      const sign = illegal > 0 ? '❌' : checked > 0 ? '✅' : '–';
      return `| ${sign} | ${cell(code(id))} ${cell(text(title))} | ${illegal} | ${observed} | ${checked} |`;
    }),
  ];
}

const versionsOf = ({ versions, startedAt }: RunResult): string =>
  [...Object.entries(versions).map(([name, version]) => `${name} ${version}`), startedAt].join(', ');
