/** The beginning of the report: a result enters, the verdict, the findings and the tables about all scenarios leave. */
import type { JSX } from 'preact';
import { count } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import { replayCommand } from '../replay-command.ts';
import { type Finding, findingsOf, outcomeOf, type ResultAnomaly, type RunResult } from '../results.ts';
import { AnomalyBadge, isKnownAlone, kindOf, OutcomeBadge, Wide } from './badges.tsx';
import { Actions } from './faults.tsx';
import { repetitionsId } from './repetition-table.tsx';

/** Names and sentences from outside are cut here; the JSON has them whole. */
const TEXT_MAX = 2_000;
/** Tables that are longer stand folded. */
const OPEN_ROWS_MAX = 12;
/** Scenarios to follow to what was processed again in them. */
const AGAIN_MAX = 6;

const worldPlaces = { kafka: 'on real Apache Kafka', simulated: 'in the simulated world' } as const;

export const scenarioId = (index: number): string => `s${index}`;
export const anomalyId = (scenarioIndex: number, number: number): string => `s${scenarioIndex}-a${number}`;

/** The number of an anomaly within its scenario, from 1, in the order of the verdict. */
export function numbersOf(result: RunResult): Map<RunResult['anomalies'][number], number> {
  const next = new Map<number, number>();
  return new Map(
    result.anomalies.map((anomaly) => {
      const number = (next.get(anomaly.scenarioIndex) ?? 0) + 1;
      next.set(anomaly.scenarioIndex, number);
      return [anomaly, number];
    }),
  );
}

export interface Again {
  readonly index: number;
  readonly name: string;
  readonly records: number;
}

export function Overview({
  result,
  shown,
  again,
}: {
  readonly result: RunResult;
  /** Indexes of the scenarios that have a section below. */
  readonly shown: ReadonlySet<number>;
  /** Scenarios in which records were processed again, those with most first. */
  readonly again: readonly Again[];
}): JSX.Element {
  const findings = findingsOf(result);
  const numbers = numbersOf(result);
  return (
    <>
      <Header result={result} findings={findings} />
      <Tiles result={result} />
      <Facts result={result} />
      <h2 id="findings">Findings</h2>
      {findings.length === 0 ? <p>None: every property that was checked held.</p> : null}
      {findings.map((finding) => (
        <FindingCard
          key={`${finding.property} ${finding.signature} ${finding.policy} ${finding.known}`}
          result={result}
          finding={finding}
          href={
            shown.has(finding.example.scenarioIndex)
              ? `#${anomalyId(finding.example.scenarioIndex, numbers.get(finding.example) ?? 1)}`
              : null
          }
        />
      ))}
      <h2 id="properties">Properties</h2>
      <Properties result={result} />
      <Duplicates result={result} again={again.filter(({ index }) => shown.has(index))} />
      <Actions result={result} />
      <Goals result={result} />
      <Conditions result={result} />
      <h2 id="scenarios">Scenarios</h2>
      <ScenarioTable result={result} shown={shown} />
    </>
  );
}

function Header({
  result,
  findings,
}: {
  readonly result: RunResult;
  readonly findings: readonly Finding[];
}): JSX.Element {
  const outcome = outcomeOf(result);
  const illegal = findings.filter((finding) => finding.policy === 'illegal');
  const fresh = illegal.filter((finding) => finding.known === null).length;
  const known = illegal.length - fresh;
  const { run, unknown } = result.scenarios;
  const sentence =
    run === 0
      ? 'No scenario was judged.'
      : `${fresh === 0 ? 'Nothing new' : count(fresh, 'new finding')} in ${count(run, 'scenario')}${
          unknown > 0 ? `, ${unknown} of them without a verdict` : ''
        }${known > 0 ? `; ${count(known, 'known issue')} of the client seen` : ''}.`;
  return (
    <header class={`verdict ${outcome}`}>
      <h1>kafka-trial: {subjectOf(result)}</h1>
      <strong>{outcome}</strong> <span>{sentence}</span>
      {result.interrupted ? (
        <p class="warn">Stopped before the end; this is what was found until then.</p>
      ) : null}
    </header>
  );
}

/** The module of the user's that was on trial, as its options name it, or null. */
function applicationOf({ options }: RunResult): string | null {
  const words: readonly unknown[] = Array.isArray(options.application) ? options.application : [];
  const file = words[words.indexOf('--application') + 1];
  return words.includes('--application') && typeof file === 'string' ? file : null;
}

const subjectOf = (result: RunResult): string =>
  `${applicationOf(result) === null ? '' : `${shorten(applicationOf(result) ?? '', 200)} with `}${shorten(result.client.name, 100)} ${shorten(result.client.version, 100)}${
    result.mutant === null ? '' : `, broken on purpose (${shorten(result.mutant, 100)}),`
  } ${worldPlaces[result.world]}`;

function Tiles({ result }: { readonly result: RunResult }): JSX.Element {
  const { run, valid, invalid, unknown } = result.scenarios;
  const tiles: [string, string, string][] = [
    [String(run), run === 1 ? 'scenario' : 'scenarios', ''],
    [String(valid), 'valid', valid > 0 ? 'good' : ''],
    // As the verdict counts: what is known already makes no run invalid.
    outcomeOf(result) === 'valid' && invalid > 0
      ? [String(invalid), 'invalid, known', '']
      : [String(invalid), 'invalid', invalid > 0 ? 'bad' : ''],
    [String(unknown), 'unknown', unknown > 0 ? 'warn' : ''],
    [String(result.duplicates.total), 'duplicates', ''],
    [`${Math.round(result.wallSeconds)} s`, 'in all', ''],
    ...(result.seed === null ? [] : ([[String(result.seed), 'seed', '']] as [string, string, string][])),
  ];
  return (
    <ul class="tiles">
      {tiles.map(([value, label, className]) => (
        <li key={label}>
          <b class={className}>{value}</b>
          {label}
        </li>
      ))}
    </ul>
  );
}

/** What ran, in a few lines: whoever opens the page a month later asks for these first. */
function Facts({ result }: { readonly result: RunResult }): JSX.Element {
  const { client, versions, options, command, goals } = result;
  const module = applicationOf(result);
  const { commit, 'kafka-trial': harness, ...others } = versions;
  const profile = typeof options.profile === 'string' ? `, profile ${options.profile}` : '';
  const seed = result.seed === null ? '' : `, seed ${result.seed}`;
  const reached = Object.values(goals).filter((times) => times > 0).length;
  const facts: [string, string][] = [
    [
      'on trial',
      `${module === null ? '' : `${module}, with `}${client.name} ${client.version}, ${worldPlaces[result.world]}`,
    ],
    ['what ran', `${command}${seed}${profile}, started ${result.startedAt}`],
    [
      'versions',
      [
        ...(harness === undefined ? [] : [`kafka-trial ${harness}`]),
        ...Object.entries(others).map(([name, version]) => `${name} ${version}`),
      ].join(', '),
    ],
    ['commit', commit ?? 'not known'],
    ...(Object.keys(goals).length === 0
      ? []
      : ([['goals', `${reached} of ${Object.keys(goals).length} reached`]] as [string, string][])),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{shorten(value, TEXT_MAX)}</dd>
        </>
      ))}
    </dl>
  );
}

function FindingCard({
  result,
  finding,
  href,
}: {
  readonly result: RunResult;
  readonly finding: Finding;
  readonly href: string | null;
}): JSX.Element {
  const command = replayCommand(result, finding.example);
  return (
    <section class={`card ${kindOf(finding)}`}>
      <h3>
        <AnomalyBadge {...finding} /> {shorten(finding.property, 200)}: {shorten(finding.signature, 400)}
      </h3>
      <p>{shorten(finding.example.message, TEXT_MAX)}</p>
      <p class="quiet">
        {count(finding.count, 'time')} in {count(finding.scenarios, 'scenario')}, for example in{' '}
        {href === null ? (
          shorten(finding.example.scenario, 200)
        ) : (
          <a href={href}>{shorten(finding.example.scenario, 200)}</a>
        )}
      </p>
      {command === null ? null : <code class="command">{command}</code>}
    </section>
  );
}

function Properties({ result }: { readonly result: RunResult }): JSX.Element {
  return (
    <Wide label="properties">
      <table>
        <thead>
          <tr>
            <th>property</th>
            <th>what it says</th>
            <th class="n">illegal</th>
            <th class="n">seen, allowed</th>
            <th class="n">scenarios checked</th>
          </tr>
        </thead>
        <tbody>
          {result.properties.map((property) => (
            <tr key={property.id}>
              <td>
                <span class={property.illegal > 0 ? 'bad' : property.checked > 0 ? 'good' : 'quiet'}>
                  {property.illegal > 0 ? '✗ broken' : property.checked > 0 ? '✓ held' : '– not checked'}
                </span>{' '}
                <code>{shorten(property.id, 200)}</code>
              </td>
              <td>{shorten(property.title, 400)}</td>
              <td class={property.illegal > 0 ? 'n bad' : 'n'}>{property.illegal}</td>
              <td class="n">{property.observed}</td>
              <td class="n">{property.checked}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

function Duplicates({
  result,
  again,
}: {
  readonly result: RunResult;
  readonly again: readonly Again[];
}): JSX.Element | null {
  const causes = Object.entries(result.duplicates.byCause).sort((a, b) => b[1] - a[1]);
  if (causes.length === 0 && again.length === 0) return null;
  return (
    <>
      <h2 id="duplicates">Duplicates by cause</h2>
      <p class="quiet">Records whose processing began again, after what.</p>
      <Wide label="duplicates by cause">
        <table>
          <tbody>
            {causes.map(([cause, records]) => (
              <tr key={cause}>
                <td>{shorten(cause, 200)}</td>
                <td class="n">{records}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {again.length === 0 ? null : (
        <p>
          Who processed what again, and why, in the scenarios that were kept:{' '}
          {again.slice(0, AGAIN_MAX).map(({ index, name, records }, i) => (
            <span key={index}>
              {i === 0 ? '' : ', '}
              <a href={`#${repetitionsId(index)}`}>{shorten(name, 200)}</a> ({count(records, 'record')})
            </span>
          ))}
        </p>
      )}
    </>
  );
}

/** What was never reached says as much as what was: nothing is proven of it. */
function Goals({ result }: { readonly result: RunResult }): JSX.Element | null {
  const goals = Object.entries(result.goals);
  if (goals.length === 0) return null;
  const reached = goals.filter(([, times]) => times > 0).sort((a, b) => b[1] - a[1]);
  const never = goals.filter(([, times]) => times === 0).map(([goal]) => shorten(goal, 400));
  return (
    <>
      <h2 id="goals">Goals</h2>
      <p class="quiet">
        What generated scenarios have to get to now and then; one that never got there proves nothing about
        it. {reached.length} of {goals.length} were reached.
      </p>
      <details open={reached.length <= OPEN_ROWS_MAX && reached.length > 0}>
        <summary>Reached: {reached.length}</summary>
        <Wide label="goals">
          <table>
            <thead>
              <tr>
                <th>goal</th>
                <th class="n">scenarios</th>
              </tr>
            </thead>
            <tbody>
              {reached.map(([goal, times]) => (
                <tr key={goal}>
                  <td>{shorten(goal, 400)}</td>
                  <td class="n">{times}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </details>
      {never.length === 0 ? null : (
        <details>
          <summary>Never reached: {never.length}</summary>
          <p>{never.join(', ')}</p>
        </details>
      )}
    </>
  );
}

function Conditions({ result }: { readonly result: RunResult }): JSX.Element {
  const rows: [string, string][] = [
    ['command', result.command],
    ['started', result.startedAt],
    ...(result.runDirectory === null ? [] : ([['directory', result.runDirectory]] as [string, string][])),
    ['scenario time', `${result.virtualSeconds.toFixed(1)} s`],
    ['CPU time', `${result.cpuSeconds.toFixed(1)} s`],
    ...(result.traceHash === null ? [] : ([['trace hash', result.traceHash]] as [string, string][])),
    ...Object.entries(result.versions),
    ...Object.entries(result.options).map(([name, value]): [string, string] => [
      `option ${name}`,
      typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
    ]),
  ];
  return (
    <details>
      <summary>Versions and options</summary>
      <Wide label="versions and options">
        <table>
          <tbody>
            {rows.map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{shorten(name, 200)}</th>
                <td>{shorten(value, TEXT_MAX)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </details>
  );
}

function ScenarioTable({
  result,
  shown,
}: {
  readonly result: RunResult;
  readonly shown: ReadonlySet<number>;
}): JSX.Element {
  const byScenario = new Map<number, ResultAnomaly[]>();
  for (const anomaly of result.anomalies) {
    const own = byScenario.get(anomaly.scenarioIndex);
    if (own === undefined) byScenario.set(anomaly.scenarioIndex, [anomaly]);
    else own.push(anomaly);
  }
  const table = (
    <Wide label="scenarios">
      <table>
        <thead>
          <tr>
            <th class="n">index</th>
            <th>scenario</th>
            <th>verdict</th>
            <th class="n">illegal</th>
            <th class="n">seen, allowed</th>
            <th class="n">seconds</th>
          </tr>
        </thead>
        <tbody>
          {result.results.map((one) => (
            <tr key={one.index}>
              <td class="n">{one.index}</td>
              <td>
                {shown.has(one.index) ? (
                  <a href={`#${scenarioId(one.index)}`}>{shorten(one.name, 200)}</a>
                ) : (
                  shorten(one.name, 200)
                )}
              </td>
              <td>
                <OutcomeBadge outcome={one.outcome} known={isKnownAlone(byScenario.get(one.index) ?? [])} />
              </td>
              <td class="n">{one.illegal}</td>
              <td class="n">{one.observed}</td>
              <td class="n">{one.wallSeconds.toFixed(1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
  // A long list stands between the reader and the pictures.
  if (result.results.length <= 12) return table;
  return (
    <details>
      <summary>All {count(result.results.length, 'scenario')}; those kept follow with their pictures</summary>
      {table}
    </details>
  );
}
