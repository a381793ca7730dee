/**
 * The HTML page of a comparison: a comparison and the histories of its examples enter; one self-contained page leaves, with
 * tables, plots of pairs, and the swim-lanes of both subjects side by side.
 */
import { createHash } from 'node:crypto';
import type { JSX } from 'preact';
import { render } from 'preact-render-to-string';
import type { History } from '../../harness/history/schema.ts';
import type { ComparedFigure, Comparison } from '../comparison.ts';
import {
  durationOf,
  findingParts,
  formatFigure,
  formatInterval,
  isShown,
  missingFigures,
  seenBy,
  summaryOf,
} from '../comparison-words.ts';
import { shorten, visibleLines } from '../escape.ts';
import { AnomalyBadge, Wide } from './badges.tsx';
import { IntervalBar, PairsPlot, SweepPlot } from './comparison-plots.tsx';
import { Legend } from './legend.tsx';
import { PatternDefinitions } from './palette.tsx';
import { css } from './style.ts';
import { SwimLane, stylesIn } from './swim-lane.tsx';
import { timelineOf } from './timeline.ts';

const LABEL_MAX = 200;

const sheet = `${css}${`
main{max-width:none}
.plots{display:flex;flex-wrap:wrap;gap:8px 28px}
figure{margin:8px 0}figcaption{font-weight:600;font-size:14px}
figure svg,.sweep{font:11px system-ui,sans-serif;display:block}
figure text,.sweep text{fill:var(--quiet)}figure .name,.sweep .name{fill:var(--text)}
.axis{stroke:var(--line);fill:none}.equal{stroke:var(--line);stroke-dasharray:3 3;fill:none}
circle.worse{fill:var(--bad)}circle.better{fill:var(--good)}circle.same{fill:var(--quiet)}
figure circle{fill-opacity:.65}
.interval{display:block}.interval path{stroke-width:3;fill:none}
path.worse{stroke:var(--bad)}path.better{stroke:var(--good)}path.same{stroke:var(--quiet)}
.front{stroke:var(--good);stroke-width:1.5;stroke-dasharray:5 3;fill:none}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));gap:16px}
.pair>section{min-width:0}
tr.part td:first-child{padding-left:18px}
`.replaceAll('\n', '')}`;

const contentSecurityPolicy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(sheet).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/** @param histories of each example, in the order of its runs */
export function renderComparisonHtml(
  comparison: Comparison,
  histories: readonly (readonly History[])[],
): string {
  const timelines = histories.map((ofExample) => ofExample.map((history) => timelineOf(history)));
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={contentSecurityPolicy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>kafka-trial compare</title>
        {/* Hashed by the policy above, so it has to arrive as it is; it holds nothing from outside. */}
        <style dangerouslySetInnerHTML={{ __html: sheet }} />
      </head>
      <body>
        <PatternDefinitions count={Math.max(1, ...timelines.flat().map((timeline) => stylesIn(timeline)))} />
        <main>
          <h1>kafka-trial compare</h1>
          <p class="quiet">
            {summaryOf(comparison)}; it took {durationOf(comparison)}.
          </p>
          {missingFigures(comparison).map((sentence) => (
            <p key={sentence} class="quiet">
              {sentence}
            </p>
          ))}
          <Subjects comparison={comparison} />
          {comparison.sweep === null ? (
            comparison.comparisons.map((one, i) => (
              <Against key={one.b} comparison={comparison} place={i + 1} one={one} />
            ))
          ) : (
            <Sweep sweep={comparison.sweep} />
          )}
          <Findings comparison={comparison} />
          {comparison.examples.length === 0 ? null : <h2>Where they differ most</h2>}
          {comparison.examples.map((example, i) => (
            <section key={example.index}>
              <h3>
                {shorten(example.scenario, LABEL_MAX)}: {titleOf(comparison, example.figure)}
              </h3>
              <div class="pair">
                {example.runs.map((run, j) => {
                  const timeline = timelines[i]?.[j];
                  return (
                    <section key={run.label}>
                      <p>
                        <b>{shorten(run.label, LABEL_MAX)}</b>:{' '}
                        {formatFigure(run.value, comparison.figures[example.figure]?.unit ?? '')}
                      </p>
                      <code class="command">{run.command}</code>
                      {timeline === undefined ? null : (
                        <SwimLane
                          timeline={timeline}
                          markers={[]}
                          label={`${example.scenario}, ${run.label}`}
                        />
                      )}
                    </section>
                  );
                })}
              </div>
            </section>
          ))}
          {timelines.flat().length === 0 ? null : <Legend />}
        </main>
      </body>
    </html>
  );
  // The framework has escaped what is markup; this shows what would be invisible, wherever it came from.
  return `<!doctype html>\n${visibleLines(render(page))}\n`;
}

const titleOf = ({ figures }: Comparison, name: string): string => figures[name]?.title ?? name;

function Subjects({ comparison }: { readonly comparison: Comparison }): JSX.Element {
  return (
    <details open={comparison.subjects.length <= 4}>
      <summary>What was compared</summary>
      <ol>
        {comparison.subjects.map(({ label, client, application, configuration }) => (
          <li key={label}>
            <b>{shorten(label, LABEL_MAX)}</b>:{' '}
            {application === null ? '' : `${shorten(application, LABEL_MAX)} on `}
            {client.name} {client.version}
            {configuration !== null
              ? null
              : application === null
                ? ', configured as each scenario says'
                : ', configured as it is'}
            {configuration === null ? null : <pre>{JSON.stringify(configuration, null, 2)}</pre>}
          </li>
        ))}
      </ol>
    </details>
  );
}

function Against({
  comparison,
  place,
  one,
}: {
  readonly comparison: Comparison;
  readonly place: number;
  readonly one: Comparison['comparisons'][number];
}): JSX.Element {
  const shown = Object.entries(one.figures).filter(([name, figure]) => isShown(name, figure));
  // A plot of points that all lie on the diagonal says nothing.
  const plotted = shown.filter(
    ([name, figure]) => !name.includes(':') && figure.aBetter + figure.bBetter > 0,
  );
  return (
    <section>
      <h2>
        A {shorten(one.a, LABEL_MAX)} against B {shorten(one.b, LABEL_MAX)}
      </h2>
      <Wide label="figures">
        <table>
          <thead>
            <tr>
              <th>figure, mean per scenario</th>
              <th class="n">A</th>
              <th class="n">B</th>
              <th class="n">B - A</th>
              <th class="n">95 % interval</th>
              <th>less in B, more in B</th>
              <th class="n">A better</th>
              <th class="n">B better</th>
              <th>B is</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(([name, figure]) => (
              <FigureRow key={name} name={name} figure={figure} />
            ))}
          </tbody>
        </table>
      </Wide>
      {plotted.length === 0 ? (
        <p>No scenario differs in any of these figures.</p>
      ) : (
        <>
          <h3>Each scenario once</h3>
          <p class="quiet">Above the diagonal B had more, below it A; on it both had the same.</p>
          <div class="plots">
            {plotted.map(([name, figure]) => (
              <PairsPlot
                key={name}
                figure={figure}
                labels={[one.a, one.b]}
                pairs={comparison.measurements.flatMap(({ scenario, figures }) => {
                  const [a, b] = [figures[0]?.[name] ?? null, figures[place]?.[name] ?? null];
                  return a === null || b === null ? [] : [{ scenario, a, b }];
                })}
              />
            ))}
          </div>
        </>
      )}
    </section>
  );
}

/** What is new apart from what is known, as in the report of a run. */
const Findings = ({ comparison }: { readonly comparison: Comparison }): JSX.Element => (
  <>
    {findingParts(comparison).map(({ heading, findings }) => (
      <section key={heading}>
        <h2>{heading}</h2>
        <Wide label={heading}>
          <table>
            <thead>
              <tr>
                <th>property</th>
                <th>anomaly</th>
                <th>scenarios with it</th>
                <th>first in</th>
              </tr>
            </thead>
            <tbody>
              {findings.map((finding) => (
                <tr key={`${finding.known} ${finding.property} ${finding.signature}`}>
                  <td>
                    {finding.property}{' '}
                    {finding.known === null ? null : <AnomalyBadge policy="illegal" known={finding.known} />}
                  </td>
                  <td>{shorten(finding.signature, LABEL_MAX)}</td>
                  <td>{seenBy(finding, comparison)}</td>
                  <td>{shorten(finding.first, LABEL_MAX)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      </section>
    ))}
  </>
);

const verdictClass = { better: 'good', worse: 'bad', 'no difference shown': 'quiet' } as const;

const FigureRow = ({
  name,
  figure,
}: {
  readonly name: string;
  readonly figure: ComparedFigure;
}): JSX.Element => (
  <tr class={name.includes(':') ? 'part' : ''}>
    <td>{figure.title}</td>
    <td class="n">{formatFigure(figure.a, figure.unit)}</td>
    <td class="n">{formatFigure(figure.b, figure.unit)}</td>
    <td class="n">{formatFigure(figure.difference, figure.unit, true)}</td>
    <td class="n">{formatInterval(figure)}</td>
    <td>
      <IntervalBar figure={figure} />
    </td>
    <td class="n">{figure.aBetter}</td>
    <td class="n">{figure.bBetter}</td>
    <td class={verdictClass[figure.verdict]}>{figure.verdict}</td>
  </tr>
);

function Sweep({ sweep }: { readonly sweep: NonNullable<Comparison['sweep']> }): JSX.Element {
  return (
    <section>
      <h2>Duplicates against time without an owner</h2>
      <Wide label="sweep">
        <SweepPlot sweep={sweep} />
      </Wide>
      <p class="quiet">
        The line joins the Pareto front: no other combination has less of one of the two and no more of the
        other.
      </p>
      <Wide label="combinations">
        <table>
          <thead>
            <tr>
              <th class="n">point</th>
              {sweep.words.map(({ word }) => (
                <th key={word} class="n">
                  {word}
                </th>
              ))}
              <th class="n">delivered twice</th>
              <th class="n">without a live owner</th>
              <th class="n">illegal, new</th>
              <th class="n">illegal, known bugs</th>
              <th>Pareto front</th>
            </tr>
          </thead>
          <tbody>
            {sweep.points.map(({ label, values, pareto, ...point }, i) => (
              <tr key={label}>
                <td class="n">{i + 1}</td>
                {sweep.words.map(({ word }) => (
                  <td key={word} class="n">
                    {String(values[word])}
                  </td>
                ))}
                <td class="n">{formatFigure(point.duplicates, 'records')}</td>
                <td class="n">{formatFigure(point.ownerlessMs, 'ms')}</td>
                <td class="n">{formatFigure(point.newIllegal, 'anomalies')}</td>
                <td class="n">{formatFigure(point.knownIllegal, 'anomalies')}</td>
                <td class="good">{pareto ? 'on it' : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </section>
  );
}
