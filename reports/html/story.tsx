/** A kept scenario told in plain language: it enters; what became of the records, and the run step by step, leave. */
import type { JSX } from 'preact';
import { count, formatSeconds } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import { type Narration, narrate } from '../narrate.ts';
import { fatesInWords } from '../narrate-findings.ts';
import type { LoadedScenario } from '../run-directory.ts';
import { Wide } from './badges.tsx';

const TEXT_MAX = 2_000;
const STEPS_MAX = 300;
const SENTENCES_MAX = 12;

export interface Story {
  /** What became of the records. */
  readonly short: readonly string[];
  readonly steps: Narration['steps'];
}

/** Null where there is nothing to tell it from. */
export const storyOf = ({ history, verdict }: LoadedScenario): Story | null =>
  history === null || verdict === null
    ? null
    : { short: fatesInWords(history, verdict), steps: narrate(history, verdict).steps };

export const InShort = ({ story }: { readonly story: Story }): JSX.Element => (
  <section class="short" aria-label="in short">
    <b>What became of the records</b>
    <ul>
      {story.short.slice(0, SENTENCES_MAX).map((sentence) => (
        <li key={sentence}>{shorten(sentence, TEXT_MAX)}</li>
      ))}
    </ul>
  </section>
);

export function Steps({ story: { steps } }: { readonly story: Story }): JSX.Element {
  const shown = steps.slice(0, STEPS_MAX);
  const left = steps.length - shown.length;
  return (
    <details>
      <summary>The whole run, told in {count(steps.length, 'step')}</summary>
      <Wide label="the run step by step">
        <ol class="events">
          {shown.map(({ timeMs, text }) => (
            <li key={`${timeMs} ${text}`}>
              <span class="when">{formatSeconds(Math.max(0, timeMs))}</span>
              <span>{shorten(text, TEXT_MAX)}</span>
            </li>
          ))}
        </ol>
      </Wide>
      {left === 0 ? null : <p class="quiet">{count(left, 'more step')} left out here.</p>}
    </details>
  );
}
