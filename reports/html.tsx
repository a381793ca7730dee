/**
 * The HTML report: a `RunResult` and what was kept of its scenarios enter, one self-contained page leaves, without
 * scripts and without anything from the network.
 */
import { createHash } from 'node:crypto';
import { render } from 'preact-render-to-string';
import type { Outcome } from '../properties/property.ts';
import { count } from './describe-event.ts';
import { visibleLines } from './escape.ts';
import { type Again, numbersOf, Overview } from './html/overview.tsx';
import { PatternDefinitions } from './html/palette.tsx';
import { recordsAgain } from './html/repetition-table.tsx';
import { ScenarioDetails, type ScenarioSection } from './html/scenario.tsx';
import { css } from './html/style.ts';
import { stylesIn } from './html/swim-lane.tsx';
import { timelineOf } from './html/timeline.ts';
import { repetitionsOf } from './repetitions.ts';
import type { RunResult } from './results.ts';
import type { LoadedScenario } from './run-directory.ts';

/** Sections that are open from the start; a page full of pictures says no more than its first few. */
const OPEN_MAX = 3;

/** A page that a browser still opens at once; the files of a run have the rest. */
const PICTURES_LENGTH_MAX = 15_000_000;
/** From here on nothing more is told at all: the whole page stays below twenty million. */
const DETAILS_LENGTH_MAX = 18_500_000;

/** Nothing may run, load, or be sent; the one style sheet is allowed by its hash. */
const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(css).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/**
 * @param scenarios what `loadRunDirectory` gives: the kept scenarios, found by their index in the run
 * @param options.picturesLengthMax from this many characters on, scenarios are told without their picture
 * @param options.detailsLengthMax from this many characters on, they are not told
 */
export function renderHtml(
  result: RunResult,
  scenarios: readonly LoadedScenario[],
  {
    picturesLengthMax = PICTURES_LENGTH_MAX,
    detailsLengthMax = DETAILS_LENGTH_MAX,
  }: { readonly picturesLengthMax?: number; readonly detailsLengthMax?: number } = {},
): string {
  const sections = sectionsOf(result, scenarios);
  const told = details(sections, picturesLengthMax, detailsLengthMax);
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={contentSecurityPolicy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>{`kafka-trial: ${result.client.name} ${result.client.version}`}</title>
        {/* Hashed by the policy above, so it has to arrive as it is; it holds nothing from outside. */}
        <style dangerouslySetInnerHTML={{ __html: css }} />
      </head>
      <body>
        <a class="skip" href="#scenarios">
          Skip to the scenarios
        </a>
        <PatternDefinitions
          count={Math.max(1, ...sections.map((one) => (one.timeline ? stylesIn(one.timeline) : 0)))}
        />
        <main>
          <Overview
            result={result}
            shown={new Set(told.map(({ index }) => index))}
            again={againOf(sections)}
          />
          {/* Rendered below, by the same framework. */}
          <div dangerouslySetInnerHTML={{ __html: told.map(({ html }) => html).join('') }} />
          {told.length === sections.length ? null : (
            <p>
              {count(sections.length - told.length, 'more scenario')} did not fit on this page; the run
              directory has them.
            </p>
          )}
        </main>
      </body>
    </html>
  );
  // The framework has escaped what is markup; this shows what would be invisible, wherever it came from.
  return `<!doctype html>\n${visibleLines(render(page))}\n`;
}

/** Where most was processed again, for whoever looks for that first. */
const againOf = (sections: readonly ScenarioSection[]): Again[] =>
  sections
    .map(({ own, repetitions }) => ({ index: own.index, name: own.name, records: recordsAgain(repetitions) }))
    .filter(({ records }) => records > 0)
    .sort((a, b) => b.records - a.records || a.index - b.index);

/** The sections in order, without pictures once there are too many of them for one page, and then no more. */
function details(
  sections: readonly ScenarioSection[],
  picturesLengthMax: number,
  detailsLengthMax: number,
): { index: number; html: string }[] {
  const told: { index: number; html: string }[] = [];
  let length = 0;
  for (const section of sections) {
    const timeline = length < picturesLengthMax ? section.timeline : null;
    const html = render(<ScenarioDetails {...section} timeline={timeline} />);
    length += html.length;
    if (length > detailsLengthMax) break;
    told.push({ index: section.own.index, html });
  }
  return told;
}

const outcomeRanks: Record<Outcome, number> = { invalid: 0, unknown: 1, valid: 2 };

function sectionsOf(result: RunResult, scenarios: readonly LoadedScenario[]): ScenarioSection[] {
  const numbers = [...numbersOf(result)];
  const results = new Map(result.results.map((one) => [one.index, one]));
  return scenarios
    .flatMap((loaded, position) => {
      const own = results.get(loaded.index ?? position);
      return own === undefined ? [] : [{ own, loaded }];
    })
    .sort((a, b) => outcomeRanks[a.own.outcome] - outcomeRanks[b.own.outcome] || a.own.index - b.own.index)
    .map(({ own, loaded }, position) => ({
      result,
      own,
      loaded,
      timeline: loaded.history === null ? null : timelineOf(loaded.history),
      anomalies: numbers
        .filter(([anomaly]) => anomaly.scenarioIndex === own.index)
        .map(([anomaly, number]) => ({ anomaly, number })),
      repetitions: loaded.history === null ? [] : repetitionsOf(loaded.history, loaded.verdict?.ledger ?? []),
      open: position < OPEN_MAX && (own.outcome !== 'valid' || position === 0),
    }));
}
