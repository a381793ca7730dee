/** The ledger of duplicates: the hand-overs of a run enter, a table of what had to come again, might, and did leaves. */
import type { JSX } from 'preact';
import type { LedgerEntry } from '../../properties/property.ts';
import { count, formatSeconds } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import { LeftOut, Wide } from './badges.tsx';

const ROWS_MAX = 1_500;

const causeWords: Record<LedgerEntry['cause'], string> = {
  first: 'first owner',
  crash: 'crash',
  stall: 'stall',
  leave: 'leave',
  rebalance: 'rebalance',
  'handler-failure': 'handler failure',
  seek: 'seek',
  'client-restart': 'client restarted itself',
  'offsets-deleted': 'offsets deleted',
  'records-deleted': 'records deleted',
  unexplained: 'unexplained',
};

export function Ledger({ entries }: { readonly entries: readonly LedgerEntry[] }): JSX.Element | null {
  if (entries.length === 0) return null;
  const shown = entries.toSorted((a, b) => a.time - b.time).slice(0, ROWS_MAX);
  const replayed = entries.reduce((sum, entry) => sum + entry.replayed, 0);
  return (
    <details open={entries.some(isOutOfBounds)}>
      <summary>
        Ledger of duplicates: {count(entries.length, 'hand-over')}, {count(replayed, 'record')} processed
        again
      </summary>
      <p class="quiet">
        Each time a partition was taken up anew: how many records had to come again, how many were allowed to,
        and how many did.
      </p>
      <Wide label="ledger of duplicates">
        <table>
          <thead>
            <tr>
              <th class="n">time</th>
              <th>group</th>
              <th>partition</th>
              <th>cause</th>
              <th>from</th>
              <th>to</th>
              <th class="n">committed</th>
              <th class="n">resumed at</th>
              <th class="n">had to come again</th>
              <th class="n">allowed to</th>
              <th class="n">did</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((entry) => (
              <tr key={entry.event}>
                <td class="n">{formatSeconds(entry.time)}</td>
                <td>{shorten(entry.group, 100)}</td>
                <td>{`${shorten(entry.topic, 100)}-${entry.partition}`}</td>
                <td>{causeWords[entry.cause]}</td>
                <td>{entry.fromProcess === null ? 'nobody' : shorten(entry.fromProcess, 100)}</td>
                <td>{shorten(entry.toProcess, 100)}</td>
                <td class="n">{entry.committedOffset ?? 'none'}</td>
                <td class="n">{entry.resumedOffset}</td>
                <td class="n">{entry.mustReplay}</td>
                <td class="n">{entry.mayReplay}</td>
                <td class={isOutOfBounds(entry) ? 'n bad' : 'n'}>
                  {entry.replayed}
                  {isOutOfBounds(entry) ? ' ✗' : ''}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      <LeftOut count={entries.length - shown.length} />
    </details>
  );
}

const isOutOfBounds = (entry: LedgerEntry): boolean =>
  entry.replayed > entry.mayReplay || entry.replayed < entry.mustReplay;
