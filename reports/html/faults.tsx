/** Faults and actions of all scenarios: a result enters; how often each kind was used, and what was skipped and why, leave. */
import type { JSX } from 'preact';
import { count } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import type { RunResult } from '../results.ts';
import { Wide } from './badges.tsx';

const REASONS_MAX = 60;
const TEXT_MAX = 600;

export function Actions({ result }: { readonly result: RunResult }): JSX.Element {
  const kinds = Object.entries(result.actions).sort((a, b) => b[1] - a[1]);
  const skipped = skippedByReason(result);
  const total = skipped.reduce((sum, [, times]) => sum + times, 0);
  return (
    <>
      <h2 id="faults">Faults and actions</h2>
      {kinds.length === 0 ? (
        <p>None were scheduled.</p>
      ) : (
        <ul class="counts">
          {kinds.map(([kind, times]) => (
            <li key={kind}>
              <b>{times}</b> {shorten(kind, 100)}
            </li>
          ))}
        </ul>
      )}
      {total === 0 ? (
        kinds.length === 0 ? null : (
          <p class="quiet">All of them were carried out.</p>
        )
      ) : (
        <details open={skipped.length <= 3}>
          <summary>{count(total, 'action was', 'actions were')} skipped, and why</summary>
          <Wide label="actions that were skipped">
            <table>
              <tbody>
                {skipped.slice(0, REASONS_MAX).map(([what, times]) => (
                  <tr key={what}>
                    <td class="n">{times}</td>
                    <td>{shorten(what, TEXT_MAX)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
          {skipped.length > REASONS_MAX ? (
            <p class="quiet">{count(skipped.length - REASONS_MAX, 'more kind')} left out here.</p>
          ) : null}
        </details>
      )}
    </>
  );
}

/** The same words of different scenarios together, the most frequent first. */
function skippedByReason({ results }: RunResult): (readonly [string, number])[] {
  const reasons = new Map<string, number>();
  for (const { skippedActions } of results)
    for (const text of skippedActions) {
      const what = text.replace(/^skipped: /, '');
      reasons.set(what, (reasons.get(what) ?? 0) + 1);
    }
  return [...reasons].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}
