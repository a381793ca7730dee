/**
 * What happens in a run, as one paragraph of plain words: its history, its verdict and the anomaly that it is about
 * enter, the paragraph leaves.
 */
import type { History } from '../harness/history/schema.ts';
import type { JudgedAnomaly, Verdict } from '../properties/property.ts';
import { formatSeconds } from './describe-event.ts';
import { narrate, type Step } from './narrate.ts';

/** Of a longer story, the beginning says who takes part, and the end what comes of it. */
const FIRST_STEPS = 6;
const LAST_STEPS = 14;
/** Kafka's errors and clients' stacks of causes can be long. */
const STEP_LENGTH_MAX = 240;

export function paragraphOf(history: History, verdict: Verdict, anomaly: JudgedAnomaly): string {
  const proven = history.events[anomaly.events.at(-1) ?? 0]?.time ?? Number.POSITIVE_INFINITY;
  const steps = narrate(history, verdict).steps.filter(({ text }) => text !== 'everybody had caught up');
  // What comes after the proof belongs to no finding, unless the proof is that nothing came.
  const told = steps.filter(({ timeMs }) => timeMs <= proven);
  return [...sentences(shorten(told)), anomaly.message].join(' ');
}

function shorten(steps: readonly Step[]): (Step | null)[] {
  if (steps.length <= FIRST_STEPS + LAST_STEPS) return [...steps];
  return [...steps.slice(0, FIRST_STEPS), null, ...steps.slice(-LAST_STEPS)];
}

/** Steps of the same moment share a sentence. */
function sentences(steps: readonly (Step | null)[]): string[] {
  const told: { time: string; texts: string[] }[] = [];
  for (const step of steps) {
    const time = step === null ? '' : formatSeconds(Math.max(0, step.timeMs), 1);
    const text = step === null ? '' : cut(step.text);
    const last = told.at(-1);
    if (last !== undefined && last.time === time) last.texts.push(text);
    else told.push({ time, texts: [text] });
  }
  return told.map(({ time, texts }) => (time === '' ? '(...)' : `At ${time}, ${texts.join('; ')}.`));
}

const cut = (text: string): string =>
  text.length <= STEP_LENGTH_MAX ? text : `${text.slice(0, STEP_LENGTH_MAX - 3)}...`;
