/**
 * The picture of a run: a timeline and the anomalies in it enter, two drawings leave that stand side by side: the names
 * of the lanes, which stay in view, and the lanes, which can be scrolled.
 */
import type { JSX } from 'preact';
import { formatSeconds } from '../describe-event.ts';
import { shorten, shortenName } from '../escape.ts';
import { fillOf, inkClassOf } from './palette.tsx';
import { columnsPath, type Scale, scaleOf, thinned, ticksOf } from './scale.ts';
import type {
  Fault,
  GroupLanes,
  MemberLane,
  MemberSpan,
  OwnershipSpan,
  PartitionLane,
  Span,
  Timeline,
} from './timeline.ts';

/** A proving event of an anomaly, with its place in the picture. */
export interface Marker {
  /** The element's id; the list of anomalies links to it. */
  readonly id: string;
  /** Where the marker links to: its anomaly in the list. */
  readonly href: string;
  readonly number: number;
  readonly kind: 'illegal' | 'known' | 'observed';
  readonly timeMs: number;
  readonly lane: LaneName;
  readonly text: string;
}

export type LaneName =
  | { readonly kind: 'partition'; readonly group: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'member'; readonly group: string; readonly member: string }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'faults' };

const AXIS_HEIGHT = 24;
const FAULT_ROW_HEIGHT = 17;
const GROUP_HEADER_HEIGHT = 30;
const PARTITION_HEIGHT = 39;
const MEMBER_HEIGHT = 22;
const MEMBERS_GAP = 6;
const GROUP_GAP = 16;
const LABEL_WIDTH = 148;
const BAND_HEIGHT = 15;
const CHARACTER_WIDTH = 6.1;
const BOLD_CHARACTER_WIDTH = 6.6;
const LABEL_LENGTH_MAX = 40;
const MARKER_RADIUS = 8;
/** So many numbers stand on one side of a moment: any further away would seem to be of another. */
const PINS_BESIDE_MAX = 3;
const COMMIT_DISTANCE_MIN = 5;

interface PlacedGroup {
  readonly lanes: GroupLanes;
  readonly y: number;
  readonly height: number;
  readonly partitions: readonly { readonly lane: PartitionLane; readonly y: number }[];
  readonly members: readonly { readonly lane: MemberLane; readonly y: number; readonly style: number }[];
}

/** Something at the top of the picture, with words: a fault, an action, or a moment of the whole run. */
interface PlacedFault {
  readonly fault: Fault;
  readonly y: number;
  readonly textX: number;
  readonly anchor: 'start' | 'end';
  /** The words stand on the bar itself. */
  readonly inside: boolean;
}

interface Layout {
  readonly timeline: Timeline;
  readonly scale: Scale;
  readonly faults: readonly PlacedFault[];
  readonly faultsHeight: number;
  readonly groups: readonly PlacedGroup[];
  readonly height: number;
  /** The style of the member that a process is an incarnation of. */
  readonly styleOf: (process: string) => number;
  /** A process by the part of its name that its group does not say already: there is little room in a band. */
  readonly nameOf: (process: string) => string;
}

/** How many member styles a timeline needs. */
export const stylesIn = (timeline: Timeline): number =>
  timeline.groups.reduce((sum, group) => sum + group.members.length, 0);

/** The style of the member that a process is an incarnation of, as the lanes have it. */
export const stylesOf = (timeline: Timeline): ((process: string) => number) => layOut(timeline).styleOf;

/** What all members of a group begin with tells none of them apart, and there is little room in a band. */
function withoutPrefix(process: string, { group, members }: GroupLanes): string {
  if (process.startsWith(`${group}-`)) return process.slice(group.length + 1);
  const [common] = /^.+-/.exec(members[0]?.member ?? '') ?? [];
  const isCommon = common !== undefined && members.every(({ member }) => member.startsWith(common));
  return isCommon && members.length > 1 ? `…${process.slice(common.length)}` : process;
}

function layOut(timeline: Timeline): Layout {
  const scale = scaleOf(timeline);
  const faults = placeFaults([...gathered(timeline.faults, scale), ...momentsOf(timeline)], scale);
  const faultsHeight = faults.reduce((rows, one) => Math.max(rows, one.y + FAULT_ROW_HEIGHT), 0) + 4;
  const styles = new Map<string, number>();
  const names = new Map<string, string>();
  let y = AXIS_HEIGHT + faultsHeight;
  let style = 0;
  const groups = timeline.groups.map((lanes): PlacedGroup => {
    const top = y;
    y += GROUP_HEADER_HEIGHT;
    const partitions = lanes.partitions.map((lane) => {
      const placed = { lane, y };
      y += PARTITION_HEIGHT;
      return placed;
    });
    y += MEMBERS_GAP;
    const members = lanes.members.map((lane) => {
      const placed = { lane, y, style };
      styles.set(lane.member, style);
      for (const { process } of lane.spans) {
        if (process === null) continue;
        styles.set(process, style);
        names.set(process, withoutPrefix(process, lanes));
      }
      style += 1;
      y += MEMBER_HEIGHT;
      return placed;
    });
    const height = y - top;
    y += GROUP_GAP;
    return { lanes, y: top, height, partitions, members };
  });
  const height = y - GROUP_GAP + AXIS_HEIGHT;
  return {
    timeline,
    scale,
    faults,
    faultsHeight,
    groups,
    height,
    styleOf: (process) => styles.get(process) ?? 0,
    nameOf: (process) => names.get(process) ?? process,
  };
}

/** The moments of the whole run, placed among the faults so that their words find room. */
function momentsOf({ healMs, settledMs }: Timeline): Fault[] {
  const common = { lasting: false, skipped: false, group: null, severity: 'moment' } as const;
  return [
    ...(healMs === null
      ? []
      : [
          {
            ...common,
            fromMs: healMs,
            toMs: healMs,
            action: -1,
            label: 'all faults over',
            text: 'all faults over',
          },
        ]),
    ...(settledMs === null
      ? []
      : [
          {
            ...common,
            fromMs: settledMs,
            toMs: settledMs,
            action: -2,
            label: 'settled',
            text: 'end of settling',
          },
        ]),
  ];
}

/** So close together, members that join or leave are told in one. */
const GATHERED_WITHIN = 40;

/** Planned actions of one kind, group and moment as one: what matters should not have to be found among joins. */
function gathered(faults: readonly Fault[], scale: Scale): Fault[] {
  const groups: Fault[][] = [];
  const isAlike = (a: Fault, b: Fault): boolean =>
    a.severity === 'planned' &&
    b.severity === 'planned' &&
    !a.skipped &&
    !b.skipped &&
    a.group === b.group &&
    kindOf(a) === kindOf(b) &&
    scale.x(b.fromMs) - scale.x(a.fromMs) < GATHERED_WITHIN;
  for (const fault of faults) {
    const own = groups.find(([first]) => first !== undefined && isAlike(first, fault));
    if (own === undefined) groups.push([fault]);
    else own.push(fault);
  }
  return groups.flatMap((own) => {
    const [first] = own;
    if (first === undefined || own.length === 1) return own;
    const names = own.map(({ label }) => label.slice(kindOf(first).length + 1));
    return [
      {
        ...first,
        label: `${kindOf(first)} ${names.join(', ')}`,
        text: own.map(({ text }) => text).join(', '),
      },
    ];
  });
}

/** The first word of its label: `join`, `leave`. */
const kindOf = ({ label }: Fault): string => label.split(' ')[0] ?? label;

/** Gives each fault the first row in which its bar and its words are free. */
function placeFaults(faults: readonly Fault[], scale: Scale): PlacedFault[] {
  const rows: number[] = [];
  return faults.map((fault) => {
    const from = scale.x(fault.fromMs);
    const to = scale.x(fault.toMs);
    const words = shorten(fault.label, LABEL_LENGTH_MAX).length * BOLD_CHARACTER_WIDTH + 10;
    const inside = to - from >= words;
    const after = !inside && to + words <= scale.width;
    const left = inside || after ? from : from - words;
    const right = (after ? to + words : to) + 6;
    const free = rows.findIndex((end) => end <= left);
    const row = free === -1 ? rows.length : free;
    rows[row] = right;
    const textX = inside ? from + 5 : after ? to + 5 : from - 5;
    return { fault, y: row * FAULT_ROW_HEIGHT, textX, anchor: inside || after ? 'start' : 'end', inside };
  });
}

export function SwimLane({
  timeline,
  markers,
  label,
}: {
  readonly timeline: Timeline;
  readonly markers: readonly Marker[];
  readonly label: string;
}): JSX.Element {
  const layout = layOut(timeline);
  const { scale, height } = layout;
  return (
    <div class="lanes">
      <LaneNames layout={layout} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <section class="scroll" tabIndex={0} aria-label={`${label}: picture, scrolls sideways`}>
        {/* biome-ignore lint/a11y/useSemanticElements: a drawing has no other element that keeps its links reachable. */}
        <svg
          class="plot"
          width={scale.width + 12}
          height={height}
          viewBox={`-6 0 ${scale.width + 12} ${height}`}
          role="group"
          aria-label={`${label}. The table of owners below the picture says the same in words.`}
        >
          <Grid layout={layout} />
          <Faults layout={layout} />
          {layout.groups.map((group) => (
            <Group key={group.lanes.group} group={group} layout={layout} />
          ))}
          <Markers markers={markers} layout={layout} />
        </svg>
      </section>
    </div>
  );
}

function LaneNames({ layout }: { readonly layout: Layout }): JSX.Element {
  const right = LABEL_WIDTH - 8;
  return (
    <svg
      class="names"
      width={LABEL_WIDTH}
      height={layout.height}
      viewBox={`0 0 ${LABEL_WIDTH} ${layout.height}`}
      preserveAspectRatio="xMaxYMin slice"
      aria-hidden="true"
    >
      {layout.faults.length === 0 ? null : (
        <text x={right} y={AXIS_HEIGHT + 12} class="lane-name quiet">
          faults and actions
        </text>
      )}
      {layout.groups.map((group) => (
        <g key={group.lanes.group}>
          <text x={right} y={group.y + 20} class="group-name">
            {shortenName(group.lanes.group, 18)}
            <title>{shorten(group.lanes.group, 300)}</title>
          </text>
          {group.partitions.map(({ lane, y }) => (
            <text key={`${lane.topic} ${lane.partition}`} x={right} y={y + 15} class="lane-name">
              {`${shortenName(lane.topic, 17)}-${lane.partition}`}
              <title>{`${shorten(lane.topic, 300)}-${lane.partition}`}</title>
            </text>
          ))}
          {group.members.map(({ lane, y, style }) => (
            <g key={lane.member}>
              <rect
                x={right - 14}
                y={y + 4}
                width="14"
                height="12"
                rx="2"
                fill={fillOf(style)}
                class="swatch"
              />
              <text x={right - 20} y={y + 14} class="lane-name">
                {shortenName(lane.member, 16)}
              </text>
            </g>
          ))}
        </g>
      ))}
    </svg>
  );
}

function Grid({ layout: { scale, height } }: { readonly layout: Layout }): JSX.Element {
  const ticks = ticksOf(scale);
  return (
    <g class="grid">
      <path
        d={ticks
          .map(({ timeMs }) => `M${scale.x(timeMs)} ${AXIS_HEIGHT - 4}V${height - AXIS_HEIGHT + 4}`)
          .join('')}
      />
      {ticks.map(({ timeMs, label }) => {
        const x = scale.x(timeMs);
        const anchor = x < 15 ? 'start' : x > scale.width - 15 ? 'end' : 'middle';
        return (
          <>
            <text x={x} y={14} text-anchor={anchor}>
              {label}
            </text>
            <text x={x} y={height - 8} text-anchor={anchor}>
              {label}
            </text>
          </>
        );
      })}
    </g>
  );
}

function Faults({ layout }: { readonly layout: Layout }): JSX.Element {
  const { scale, height, groups } = layout;
  return (
    <g class="faults">
      {layout.faults.map(({ fault, y, textX, anchor, inside }) => {
        const top = AXIS_HEIGHT + y;
        const x = scale.x(fault.fromMs);
        const width = Math.max(2, scale.across(fault));
        // A member's fault concerns its group's lanes only, and its own lanes show how long it lasted.
        const block = groups.find((group) => group.lanes.group === fault.group);
        const from = block?.y ?? AXIS_HEIGHT + layout.faultsHeight;
        const to = block === undefined ? height - AXIS_HEIGHT : block.y + block.height;
        const crosses = !fault.skipped && fault.severity !== 'planned';
        return (
          <g key={fault.action} class={`${fault.severity}${fault.skipped ? ' skipped' : ''}`}>
            <title>{`${formatSeconds(fault.fromMs)}${fault.lasting ? ` to ${formatSeconds(fault.toMs)}` : ''}: ${shorten(fault.text, 300)}`}</title>
            {crosses && fault.lasting && fault.group === null ? (
              <rect x={x} y={from} width={width} height={to - from} class="shade" />
            ) : null}
            {crosses ? <path d={`M${x} ${from}V${to}`} class="line" /> : null}
            <rect x={x} y={top + 1} width={width} height={FAULT_ROW_HEIGHT - 3} class="bar" />
            <text x={textX} y={top + 12} text-anchor={anchor} class={inside ? 'inside' : 'beside'}>
              {shorten(fault.label, LABEL_LENGTH_MAX)}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function Group({ group, layout }: { readonly group: PlacedGroup; readonly layout: Layout }): JSX.Element {
  const { scale } = layout;
  const { lanes, y, height } = group;
  const shown = thinned(lanes.generations, (mark) => scale.x(mark.timeMs), 44);
  const lanesTop = y + GROUP_HEADER_HEIGHT - 4;
  return (
    <g class="group" aria-label={`group ${shorten(lanes.group, 100)}`}>
      <path d={`M0 ${y + 4}H${scale.width}`} class="rule" />
      {lanes.rebalances.map((span) => (
        <rect
          key={span.fromMs}
          x={scale.x(span.fromMs)}
          y={lanesTop}
          width={scale.across(span)}
          height={y + height - lanesTop}
          class="rebalancing"
        />
      ))}
      {lanes.generations.map((mark) => (
        <g key={mark.seq} class="generation">
          <title>{`generation ${mark.generation} at ${formatSeconds(mark.timeMs)}, ${mark.members} members`}</title>
          <path d={`M${scale.x(mark.timeMs)} ${lanesTop}V${y + height}`} />
          {shown.includes(mark) ? (
            <text x={Math.min(scale.x(mark.timeMs), scale.width - 38)} y={y + 20}>
              {mark.members === 0 ? 'empty' : `gen ${mark.generation}`}
            </text>
          ) : null}
        </g>
      ))}
      {group.partitions.map(({ lane, y: top }) => (
        <Partition key={`${lane.topic} ${lane.partition}`} lane={lane} y={top} layout={layout} />
      ))}
      {group.members.map(({ lane, y: top, style }) => (
        <Member key={lane.member} lane={lane} y={top} style={style} layout={layout} />
      ))}
    </g>
  );
}

function Partition({
  lane,
  y,
  layout,
}: {
  readonly lane: PartitionLane;
  readonly y: number;
  readonly layout: Layout;
}): JSX.Element {
  const { scale } = layout;
  const processes = [...new Set(lane.work.map((work) => work.process))].sort();
  const workPaths = processes.flatMap((process) => {
    const own = lane.work.filter((work) => work.process === process);
    const ink = inkClassOf(layout.styleOf(process));
    const rows: [Span[], number, string][] = [
      [own.filter((work) => !work.again && !work.foreign), 22, ink],
      [own.filter((work) => work.again && !work.foreign), 28, `${ink} again`],
      [own.filter((work) => !work.again && work.foreign), 22, `${ink} foreign`],
      [own.filter((work) => work.again && work.foreign), 28, `${ink} foreign again`],
    ];
    return rows.flatMap(([spans, top, className]) => {
      const d = columnsPath(spans, scale, y + top, 5);
      return d === '' ? [] : [<path key={`${process} ${className}`} d={d} class={className} />];
    });
  });
  const at = (commit: { readonly timeMs: number }): number => scale.x(commit.timeMs);
  const accepted = thinned(
    lane.commits.filter((one) => one.kind === 'accepted'),
    at,
    COMMIT_DISTANCE_MIN,
  );
  const others = thinned(
    lane.commits.filter((one) => one.kind !== 'accepted'),
    at,
    COMMIT_DISTANCE_MIN,
  );
  const deliveries = thinned(lane.deliveries, at, 1.5);
  return (
    <g class="partition">
      <path d={`M0 ${y + 4 + BAND_HEIGHT / 2}H${scale.width}`} class="baseline" />
      {lane.ownership.map((span) => (
        <Ownership key={span.fromMs} span={span} y={y + 4} layout={layout} />
      ))}
      <path d={deliveries.map((one) => `M${at(one)} ${y + 19}v2`).join('')} class="delivery" />
      {workPaths}
      <path d={accepted.map((one) => `M${at(one)} ${y + 33}l2.5 4h-5z`).join('')} class="commit" />
      {others.map((one) => (
        <g key={`${one.timeMs}`} class="refused">
          <title>{`${formatSeconds(one.timeMs)}: ${shorten(one.text, 300)}`}</title>
          <path d={`M${at(one) - 2.5} ${y + 32.5}l5 5m0 -5l-5 5`} />
        </g>
      ))}
    </g>
  );
}

const ownerText = (
  { process, condition }: OwnershipSpan['owners'][number],
  nameOf: (process: string) => string = (name) => name,
): string => (condition === 'alive' ? nameOf(process) : `${nameOf(process)} ${condition}`);

function Ownership({
  span,
  y,
  layout,
}: {
  readonly span: OwnershipSpan;
  readonly y: number;
  readonly layout: Layout;
}): JSX.Element | null {
  const { scale } = layout;
  const x = scale.x(span.fromMs);
  const width = scale.across(span);
  const box = { x, y, width, height: BAND_HEIGHT };
  const when = `${formatSeconds(span.fromMs)} to ${formatSeconds(span.toMs)}`;
  const { owners } = span;
  const [owner] = owners;
  if (span.kind === 'before') return null;
  if (span.kind === 'rebalance')
    return (
      <rect {...box} class="gap">
        <title>{`${when}: rebalance, nobody owns it for certain`}</title>
      </rect>
    );
  if (span.kind === 'none' || owner === undefined)
    return (
      <>
        <rect {...box} class="unowned">
          <title>{`${when}: no owner in generation ${span.generation}`}</title>
        </rect>
        <BandText text="no owner" x={x} y={y} width={width} className="alarm" />
      </>
    );
  const text = owners.map((one) => ownerText(one, layout.nameOf)).join(' and ');
  const whole = owners.map((one) => ownerText(one)).join(' and ');
  const title = <title>{`${when}: ${shorten(whole, 300)}, generation ${span.generation}`}</title>;
  if (owners.length === 1 && owner.condition === 'alive')
    // Most of the picture is this, so it is kept small.
    return (
      <>
        <rect {...box} fill={fillOf(layout.styleOf(owner.process))}>
          {title}
        </rect>
        <BandText text={text} x={x} y={y} width={width} className="owner" />
      </>
    );
  const share = BAND_HEIGHT / owners.length;
  return (
    <g>
      {title}
      {owners.map((one, index) => {
        const part = { ...box, y: y + index * share, height: share };
        return (
          <g key={one.process} class={one.condition}>
            <rect {...part} fill={fillOf(layout.styleOf(one.process))} class="band" />
            {one.condition === 'alive' ? null : (
              <rect {...part} fill={`url(#${one.condition})`} class="veil" />
            )}
          </g>
        );
      })}
      {owners.length > 1 ? <rect {...box} class="overlap" /> : null}
      <BandText
        text={owners.length > 1 ? `${owners.length} owners: ${text}` : text}
        x={x}
        y={y}
        width={width}
        className="alarm"
      />
    </g>
  );
}

/** Words inside a band: whole, shortened, or left out, whatever has room. */
function BandText(props: {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly className: string;
}): JSX.Element | null {
  const room = Math.floor((props.width - 6) / CHARACTER_WIDTH);
  if (room < Math.min(props.text.length, 5)) return null;
  return (
    <text x={props.x + 4} y={props.y + 11.5} class={`band-text ${props.className}`}>
      {shortenName(props.text, room)}
    </text>
  );
}

const stateWords: Record<MemberSpan['state'], string> = {
  dead: 'not running',
  joining: 'joining',
  rebalancing: 'in a rebalance',
  owning: 'owns partitions',
  idle: 'idle: in the group without a partition',
  stalled: 'stalled',
  left: 'has left the group',
  expelled: 'runs, but the coordinator has dropped it',
};

function Member({
  lane,
  y,
  style,
  layout,
}: {
  readonly lane: MemberLane;
  readonly y: number;
  readonly style: number;
  readonly layout: Layout;
}): JSX.Element {
  const { scale, nameOf } = layout;
  return (
    <g class="member">
      <path d={`M0 ${y + 10}H${scale.width}`} class="baseline" />
      {lane.spans.map((span) => {
        if (span.state === 'dead' || span.process === null) return null;
        const x = scale.x(span.fromMs);
        const width = scale.across(span);
        const box = { x, y: y + 3, width, height: 14 };
        const solid = span.state === 'owning';
        const words = { owning: nameOf(span.process), expelled: 'expelled', rebalancing: '' } as Partial<
          Record<string, string>
        >;
        return (
          <g key={span.fromMs} class={span.state}>
            <title>{`${formatSeconds(span.fromMs)} to ${formatSeconds(span.toMs)}: ${span.process} ${stateWords[span.state]}`}</title>
            <rect {...box} fill={fillOf(style)} class={solid ? 'band' : 'band pale'} />
            {solid || span.state === 'idle' || span.state === 'left' ? null : <rect {...box} class="state" />}
            <BandText
              text={words[span.state] ?? span.state}
              x={x}
              y={y + 2.5}
              width={width}
              className={span.state === 'stalled' || span.state === 'expelled' ? 'alarm' : 'owner'}
            />
          </g>
        );
      })}
      {lane.exits.map((exit) => {
        const x = scale.x(exit.timeMs);
        return (
          <g key={exit.process} class={exit.violent ? 'killed' : 'ended'}>
            <title>{`${formatSeconds(exit.timeMs)}: ${exit.text}`}</title>
            <path d={exit.violent ? `M${x - 5} ${y + 5}l10 10m0 -10l-10 10` : `M${x} ${y + 3}v14`} />
          </g>
        );
      })}
    </g>
  );
}

function laneY(lane: LaneName, layout: Layout): number {
  if (lane.kind === 'faults') return AXIS_HEIGHT;
  const group = layout.groups.find((one) => one.lanes.group === lane.group);
  if (group === undefined) return AXIS_HEIGHT;
  if (lane.kind === 'member')
    return (
      (group.members.find((one) => one.lane.member === lane.member)?.y ?? group.y) + MEMBER_HEIGHT / 2 - 1
    );
  if (lane.kind === 'partition') {
    const found = group.partitions.find(
      (one) => one.lane.topic === lane.topic && one.lane.partition === lane.partition,
    );
    return found === undefined ? group.y + 16 : found.y + 4 + BAND_HEIGHT / 2;
  }
  return group.y + 16;
}

function Markers({
  markers,
  layout,
}: {
  readonly markers: readonly Marker[];
  readonly layout: Layout;
}): JSX.Element {
  const taken: { x: number; y: number }[] = [];
  return (
    <g class="markers">
      {markers.map((marker) => {
        const y = laneY(marker.lane, layout);
        const x = layout.scale.x(marker.timeMs);
        // A pin stands before the moment that it points to, since what follows from the event begins there. Pins at
        // the same place would hide each other: the later one moves further away, and where the picture ends there, to
        // the other side. One that would be too far from its moment has no number.
        const isFree = (center: number): boolean =>
          center >= MARKER_RADIUS &&
          !taken.some((one) => one.y === y && Math.abs(one.x - center) < 2 * MARKER_RADIUS);
        const beside = (side: 1 | -1): number | undefined =>
          Array.from(
            { length: PINS_BESIDE_MAX },
            (_, place) => x + side * (MARKER_RADIUS + 4 + place * 2 * MARKER_RADIUS),
          ).find(isFree);
        const center = (x >= 4 * MARKER_RADIUS ? beside(-1) : undefined) ?? beside(1);
        if (center !== undefined) taken.push({ x: center, y });
        // Only the nearest one reaches the moment: a longer foot would run over the numbers before it.
        const isNearest = center !== undefined && Math.abs(center - x) < 2 * MARKER_RADIUS;
        return (
          <a key={marker.id} id={marker.id} href={marker.href} class={marker.kind} aria-label={marker.text}>
            <title>{marker.text}</title>
            <path d={`M${x} ${AXIS_HEIGHT}V${layout.height - AXIS_HEIGHT}`} class="guide" />
            {isNearest ? <path d={`M${x} ${y}L${center} ${y - 5}V${y + 5}z`} class="pin" /> : null}
            {center === undefined ? null : (
              <>
                <circle cx={center} cy={y} r={MARKER_RADIUS} />
                <text x={center} y={y + 3.5}>
                  {marker.number}
                </text>
              </>
            )}
          </a>
        );
      })}
    </g>
  );
}
