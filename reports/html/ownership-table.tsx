/** Who owned what when, as a table: a timeline enters, a row for each generation leaves. */
import type { JSX } from 'preact';
import { formatSeconds } from '../describe-event.ts';
import { shorten, shortenName } from '../escape.ts';
import { LeftOut, Wide } from './badges.tsx';
import type { GroupLanes, Timeline } from './timeline.ts';

const ROWS_MAX = 1_500;
const TEXT_MAX = 2_000;

/** One row per generation: a picture of many partitions would make a table that nobody reads. */
export function OwnershipTable({ timeline }: { readonly timeline: Timeline }): JSX.Element {
  const rows = timeline.groups.flatMap((group) => generationRows(group, timeline.toMs));
  const shown = rows.slice(0, ROWS_MAX);
  return (
    <details>
      <summary>Who owned what when, as a table</summary>
      <Wide label="owners of the partitions">
        <table>
          <thead>
            <tr>
              <th>group</th>
              <th class="n">generation</th>
              <th class="n">from</th>
              <th class="n">to</th>
              <th class="n">rebalance from</th>
              <th>owners, as the coordinator saw them</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={`${row.group} ${row.fromMs}`}>
                <td>{shortenName(row.group, 100)}</td>
                <td class="n">{row.generation}</td>
                <td class="n">{formatSeconds(row.fromMs)}</td>
                <td class="n">{formatSeconds(row.toMs)}</td>
                <td class="n">{row.rebalanceMs === null ? '' : formatSeconds(row.rebalanceMs)}</td>
                <td>
                  {row.owners.map(([who, what]) => (
                    <div key={who}>
                      <b>{shortenName(who, 200)}</b>: {shorten(what, TEXT_MAX)}
                    </div>
                  ))}
                  {row.warnings.map((warning) => (
                    <div key={warning} class="bad">
                      {shorten(warning, TEXT_MAX)}
                    </div>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <LeftOut count={rows.length - shown.length} />
    </details>
  );
}

interface GenerationRow {
  readonly group: string;
  readonly generation: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rebalanceMs: number | null;
  /** Each owner with its partitions. */
  readonly owners: readonly (readonly [who: string, what: string])[];
  /** Partitions without an owner or with several, and owners that were not working. */
  readonly warnings: readonly string[];
}

function generationRows(group: GroupLanes, endMs: number): GenerationRow[] {
  return group.generations.map((mark, index) => {
    const fromMs = mark.timeMs;
    const toMs = group.generations[index + 1]?.timeMs ?? endMs;
    const owners = new Map<string, string[]>();
    const warnings = new Set<string>();
    for (const lane of group.partitions) {
      const name = `${lane.topic}-${lane.partition}`;
      const spans = lane.ownership.filter((span) => span.fromMs >= fromMs && span.fromMs < toMs);
      const first = spans.find((span) => span.kind === 'owned');
      for (const { process } of first?.owners ?? [])
        owners.set(process, [...(owners.get(process) ?? []), name]);
      if ((first?.owners.length ?? 0) > 1)
        warnings.add(
          `${name} has ${first?.owners.length} owners: ${first?.owners.map((one) => one.process).join(' and ')}`,
        );
      if (spans.some((span) => span.kind === 'none')) warnings.add(`${name} has no owner`);
      for (const span of spans)
        for (const { process, condition } of span.owners)
          if (condition !== 'alive')
            warnings.add(
              `${process} is ${condition} from ${formatSeconds(span.fromMs)} to ${formatSeconds(span.toMs)}`,
            );
    }
    return {
      group: group.group,
      generation: mark.generation,
      fromMs,
      toMs,
      rebalanceMs:
        group.rebalances.find((span) => span.fromMs >= fromMs && span.fromMs < toMs)?.fromMs ?? null,
      owners: [...owners].map(([process, names]) => [process, names.join(', ')] as const),
      warnings: [...warnings],
    };
  });
}
