/**
 * One kept scenario: its history, verdict and anomalies enter, a section leaves that says first in plain words what
 * happened, then shows it: who processed what again, swim-lanes, offsets, and everything to look it up and repeat it.
 */
import type { JSX } from 'preact';
import type { History, HistoryEvent } from '../../harness/history/schema.ts';
import { simulatedOnlyOf } from '../../harness/world/kafka/refusals.ts';
import type { Finding } from '../../scenarios/finding.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { count, describeEvent, formatDuration, formatSeconds } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import type { Repetition } from '../repetitions.ts';
import { planPath, replayCommands } from '../replay-command.ts';
import type { ResultAnomaly, RunResult, ScenarioResult } from '../results.ts';
import type { LoadedScenario } from '../run-directory.ts';
import { AnomalyBadge, isKnownAlone, kindOf, OutcomeBadge } from './badges.tsx';
import { Ledger } from './ledger-table.tsx';
import { Legend } from './legend.tsx';
import { MessageTrace } from './message-trace.tsx';
import { Offsets } from './offset-section.tsx';
import { anomalyId, scenarioId } from './overview.tsx';
import { OwnershipTable } from './ownership-table.tsx';
import { Repetitions } from './repetition-table.tsx';
import { InShort, Steps, storyOf } from './story.tsx';
import { type LaneName, type Marker, SwimLane } from './swim-lane.tsx';
import type { Timeline } from './timeline.ts';

/** Bounds on what one section shows; the files of the scenario have everything. */
const ANOMALIES_MAX = 60;
const EVENTS_PER_ANOMALY_MAX = 12;
const TEXT_MAX = 2_000;
/** A paragraph on the small scenario is twenty sentences at most. */
const SMALL_MAX = 6_000;
/** The paragraph has a sentence for each moment, and one on what comes of it. */
const SENTENCE_START = /(?<=\.) (?=At \d|[A-Z][^.]*: |Group )/;
/** Anomalies with markers in the picture: beyond that they would cover it. */
const MARKED_MAX = 10;

export interface ScenarioSection {
  readonly result: RunResult;
  readonly own: ScenarioResult;
  readonly loaded: LoadedScenario;
  readonly timeline: Timeline | null;
  /** The scenario's anomalies with their numbers. */
  readonly anomalies: readonly { readonly anomaly: ResultAnomaly; readonly number: number }[];
  readonly open: boolean;
  /** What was processed again in it. */
  readonly repetitions: readonly Repetition[];
}

export function ScenarioDetails(section: ScenarioSection): JSX.Element {
  const { own, loaded, timeline, open } = section;
  const { scenario, history } = loaded;
  const label = `scenario ${shorten(own.name, 100)}`;
  const ordered = section.anomalies.toSorted(
    (a, b) => rank(a.anomaly) - rank(b.anomaly) || a.number - b.number,
  );
  const story = storyOf(loaded);
  const marked = new Set(timeline === null ? [] : markedOf(section.anomalies).map(({ number }) => number));
  const isMarked = ({ number }: Numbered): boolean => marked.has(number);
  return (
    <details class="scenario" open={open}>
      <summary>
        <OutcomeBadge
          outcome={own.outcome}
          known={isKnownAlone(section.anomalies.map(({ anomaly }) => anomaly))}
        />{' '}
        {shorten(own.name, 200)}{' '}
        <span class="quiet">
          {count(scenario.groups.length, 'group')}, {count(membersIn(scenario), 'member')},{' '}
          {count(scenario.actions.length, 'action')}
          {section.anomalies.length === 0
            ? ''
            : `, ${count(section.anomalies.length, 'anomaly', 'anomalies')}`}
        </span>
      </summary>
      {/* Inside, since a browser opens what is folded only for a link to something in it. */}
      <div class="anchor" id={scenarioId(own.index)} />
      {own.unknown.length === 0 ? null : (
        <section class="card observed">
          <h3>Why there is no verdict</h3>
          <ul>
            {own.unknown.map((reason) => (
              <li key={reason}>{shorten(reason, TEXT_MAX)}</li>
            ))}
          </ul>
        </section>
      )}
      {story === null ? null : <InShort story={story} />}
      {loaded.shrunk === null ? null : <Small {...loaded.shrunk} directory={loaded.directory} />}
      {ordered.length === 0 ? null : <h3>What went wrong, or might have</h3>}
      {kindsOf(ordered.slice(0, ANOMALIES_MAX)).map(([first, ...others]) => (
        <div key={first.number}>
          <AnomalyCard {...first} loaded={loaded} index={own.index} marked={isMarked(first)} traced />
          {others.length === 0 ? null : (
            <details>
              <summary>
                {others.length} more of this kind, such as: {shorten(others[0]?.anomaly.message ?? '', 120)}
              </summary>
              {others.map((one) => (
                <AnomalyCard
                  key={one.number}
                  {...one}
                  loaded={loaded}
                  index={own.index}
                  marked={isMarked(one)}
                  traced={false}
                />
              ))}
            </details>
          )}
        </div>
      ))}
      {ordered.length > ANOMALIES_MAX ? (
        <p>{count(ordered.length - ANOMALIES_MAX, 'more anomaly', 'more anomalies')} in verdict.json.</p>
      ) : null}
      {history === null ? null : <Repetitions rows={section.repetitions} index={own.index} />}
      {timeline === null || history === null ? (
        <p class="quiet">
          {history === null
            ? 'There is no history, so there is no picture.'
            : 'This page has many pictures already; for this one, replay this scenario alone.'}
        </p>
      ) : (
        <>
          <h3>Who owned what, and who did what, when</h3>
          <p class="quiet">
            Time runs to the right. Above, each partition with its owner; below, each member; across, what was
            done to them.{ordered.length === 0 ? '' : ' The numbers are those of the anomalies above.'}
          </p>
          <SwimLane timeline={timeline} markers={markersOf(section, history)} label={label} />
          <Legend />
          <Offsets
            history={history}
            timeline={timeline}
            subjects={section.anomalies.map(({ anomaly }) => anomaly.subject)}
          />
        </>
      )}
      <h3>The groups on trial</h3>
      <ul>
        {scenario.groups.map((group) => (
          <li key={group.id}>{groupSentence(group)}</li>
        ))}
      </ul>
      {own.skippedActions.length === 0 ? null : (
        <>
          <h3>Actions that were skipped</h3>
          <ul>
            {own.skippedActions.map((text) => (
              <li key={text}>{shorten(text, TEXT_MAX)}</li>
            ))}
          </ul>
        </>
      )}
      <Ledger entries={loaded.verdict?.ledger ?? []} />
      {timeline === null ? null : <OwnershipTable timeline={timeline} />}
      {story === null ? null : <Steps story={story} />}
      <ScenarioText scenario={scenario} shrunk={loaded.shrunk?.scenario ?? null} />
      <Replay section={section} />
    </details>
  );
}

type Numbered = ScenarioSection['anomalies'][number];

/** Those of the same property and signature together, in the order of the first of each: the others look alike. */
function kindsOf(anomalies: readonly Numbered[]): (readonly [Numbered, ...Numbered[]])[] {
  const kinds = new Map<string, [Numbered, ...Numbered[]]>();
  for (const one of anomalies) {
    const { property, signature, policy } = one.anomaly;
    const key = JSON.stringify([property, signature, policy]);
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, [one]);
    else kind.push(one);
  }
  return [...kinds.values()];
}

/** The failure in the fewest steps that were found to bring it about: where there is one, a reader needs no more. */
function Small({ finding, scenario, directory }: Finding & { readonly directory: string }): JSX.Element {
  const { property, signature, text } = finding;
  return (
    <section class="short" aria-label="the failure made small">
      <h3>Made small</h3>
      <p>
        <b>
          {shorten(property, 200)}: {shorten(signature, 400)}
        </b>{' '}
        still happens with {count(membersIn(scenario), 'member')} and{' '}
        {count(scenario.actions.length, 'action')}:
      </p>
      <ul>
        {shorten(text, SMALL_MAX)
          .split(SENTENCE_START)
          .map((sentence) => (
            <li key={sentence}>{sentence}</li>
          ))}
      </ul>
      <p class="quiet">
        The scenario is <code>{`${directory}/shrunk.json`}</code>; it stands below as JSON.
      </p>
    </section>
  );
}

function ScenarioText({
  scenario,
  shrunk,
}: {
  readonly scenario: Scenario;
  readonly shrunk: Scenario | null;
}): JSX.Element {
  const texts: (readonly [string, Scenario])[] = [
    ...(shrunk === null ? [] : [['The shrunk scenario as JSON: the few steps that matter', shrunk] as const]),
    ['The scenario as JSON', scenario],
  ];
  return (
    <>
      {texts.map(([title, one]) => (
        <details key={title}>
          <summary>{title}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
          <pre tabIndex={0}>{JSON.stringify(one, null, 2)}</pre>
        </details>
      ))}
    </>
  );
}

function Replay({
  section: { result, own, loaded },
}: {
  readonly section: ScenarioSection;
}): JSX.Element | null {
  const file = loaded.shrunk === null ? 'scenario.json' : 'shrunk.json';
  const whyNotKafka =
    loaded.shrunk === null
      ? own.simulatedOnly
      : simulatedOnlyOf(loaded.shrunk.scenario, loaded.shrunk.finding.recorded.mutant);
  const commands = replayCommands(result, { scenarioFile: `${loaded.directory}/${file}` }, whyNotKafka);
  const path = planPath(result, own.index);
  if (commands === null) return null;
  return (
    <>
      <h3>Have it again</h3>
      <p>In the simulated world, the same bytes each time:</p>
      <code class="command">{commands.simulated}</code>
      {commands.kafka === null ? (
        <>
          <p>On real Kafka it cannot be run:</p>
          <ul>
            {commands.whyNotKafka.map((reason) => (
              <li key={reason}>{shorten(reason, TEXT_MAX)}</li>
            ))}
          </ul>
        </>
      ) : (
        <>
          <p>On real Kafka, the same schedule ten times, since what happens there is never quite the same:</p>
          <code class="command">{commands.kafka}</code>
        </>
      )}
      {path === null ? null : (
        <p class="quiet">
          Where this directory is not at hand, <code>{path}</code> in place of the file makes the same
          scenario again from its seed.
        </p>
      )}
    </>
  );
}

const rank = (anomaly: ResultAnomaly): number =>
  anomaly.policy === 'observed' ? 2 : anomaly.known === null ? 0 : 1;

const membersIn = (scenario: Scenario): number =>
  scenario.groups.reduce((sum, group) => sum + group.members.length, 0);

const markerId = (index: number, number: number, seq: number): string =>
  `${anomalyId(index, number)}-e${seq}`;

const provingEvents = (anomaly: ResultAnomaly, history: History): HistoryEvent[] =>
  anomaly.events.slice(-EVENTS_PER_ANOMALY_MAX).flatMap((seq) => history.events[seq] ?? []);

/** The first of each kind, then others as long as there is room. */
function markedOf(anomalies: readonly Numbered[]): readonly Numbered[] {
  const kinds = kindsOf(anomalies);
  const others = kinds.flatMap(([, ...rest]) => rest);
  return [...kinds.map(([first]) => first), ...others].slice(0, Math.max(MARKED_MAX, kinds.length));
}

function markersOf({ anomalies, own }: ScenarioSection, history: History): Marker[] {
  const { scenario } = history.start;
  return markedOf(anomalies).flatMap(({ anomaly, number }) =>
    provingEvents(anomaly, history).map(
      (event): Marker => ({
        id: markerId(own.index, number, event.seq),
        href: `#${anomalyId(own.index, number)}`,
        number,
        kind: kindOf(anomaly),
        timeMs: event.time,
        lane: laneOf(event, scenario, anomaly.subject.group),
        text: shorten(
          `${number}: ${anomaly.property}, ${formatSeconds(event.time, 3)}: ${describeEvent(event, scenario)}`,
          300,
        ),
      }),
    ),
  );
}

/**
 * The lane in which a person would look for an event.
 * @param about the group that the anomaly is about, for an event that names none, such as what a partition log held
 */
export function laneOf(event: HistoryEvent, scenario: Scenario, about?: string): LaneName {
  const member = memberOf(event.process, scenario);
  const group = 'group' in event && event.group !== null ? event.group : (member?.group ?? about);
  if (event.kind === 'action') return { kind: 'faults' };
  const place = placeOf(event);
  if (group !== undefined && place !== undefined) return { kind: 'partition', group, ...place };
  if (member !== undefined) return { kind: 'member', ...member };
  return group === undefined ? { kind: 'faults' } : { kind: 'group', group };
}

function placeOf(event: HistoryEvent): { topic: string; partition: number } | undefined {
  if ('topic' in event && 'partition' in event) return { topic: event.topic, partition: event.partition };
  const first =
    event.kind === 'commit-invoke' || event.kind === 'application-commit'
      ? event.offsets[0]
      : event.kind === 'commit-fail'
        ? event.errors[0]
        : undefined;
  return first === undefined ? undefined : { topic: first.topic, partition: first.partition };
}

function memberOf(process: string, scenario: Scenario): { group: string; member: string } | undefined {
  const id = process.replace(/\.\d+$/, '');
  const group = scenario.groups.find((one) => one.members.some((member) => member.id === id));
  return group === undefined ? undefined : { group: group.id, member: id };
}

function AnomalyCard({
  anomaly,
  number,
  loaded,
  index,
  marked,
  traced,
}: {
  /** Whether its proving events have markers in the picture. */
  readonly marked: boolean;
  readonly anomaly: ResultAnomaly;
  readonly number: number;
  readonly loaded: LoadedScenario;
  readonly index: number;
  /** Whether the messages around it are shown. */
  readonly traced: boolean;
}): JSX.Element {
  const { history } = loaded;
  const events = history === null ? [] : provingEvents(anomaly, history);
  const left = anomaly.events.length - events.length;
  return (
    <section class={`card ${kindOf(anomaly)}`} id={anomalyId(index, number)}>
      <h4>
        <span class="number">{number}</span>
        {shorten(anomaly.property, 200)}: {shorten(anomaly.signature, 400)} <AnomalyBadge {...anomaly} />
      </h4>
      <p>{shorten(anomaly.message, TEXT_MAX)}</p>
      {left > 0 && history !== null ? (
        <p class="quiet">
          The last {events.length} of {anomaly.events.length} proving events:
        </p>
      ) : null}
      {history === null ? null : (
        <ol class="events">
          {events.map((event) => {
            const when = formatSeconds(event.time, 3);
            return (
              <li key={event.seq}>
                <span class="when">
                  {marked ? <a href={`#${markerId(index, number, event.seq)}`}>{when}</a> : when}
                </span>
                <span>{shorten(describeEvent(event, history.start.scenario), TEXT_MAX)}</span>
              </li>
            );
          })}
        </ol>
      )}
      {traced && history !== null ? (
        <MessageTrace anomaly={anomaly} history={history} trace={loaded.trace} number={number} />
      ) : null}
    </section>
  );
}

function groupSentence(group: Scenario['groups'][number]): string {
  const commit = {
    auto: 'commits by itself',
    'per-record': 'commits after each record',
    'per-batch': 'commits after each batch',
    'per-poll': 'commits after each poll',
    asynchronous: `commits after each ${('after' in group.commitMode && group.commitMode.after) || 'record'} without waiting`,
    none: 'never commits',
    transaction: 'commits in a transaction with what it makes of the records',
  }[group.commitMode.kind];
  const order = group.commitOrder === 'commit-then-process' ? ', before it processes' : '';
  return `${group.id}: ${group.members.map((member) => member.id).join(', ')} read ${group.topics.join(', ')} (${
    group.consumeMode
  }), ${commit}${order}; without a commit from ${group.autoOffsetReset}; session timeout ${formatDuration(
    group.sessionTimeoutMs,
  )}, rebalance timeout ${formatDuration(group.rebalanceTimeoutMs)}, heartbeat every ${formatDuration(group.heartbeatIntervalMs)}`;
}
