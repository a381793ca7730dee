/**
 * Tells the illegal anomalies of a comparison that are known bugs from new ones: verdicts, measured scenarios and what is
 * known of each client enter; figures, and one entry for each kind of anomaly with who showed it, leave.
 */
import type { JudgedAnomaly, Verdict } from '../../properties/property.ts';
import type { Comparison } from '../../reports/comparison.ts';
import type { KnownIssueOf } from '../../reports/results.ts';
import type { Figures } from './figures.ts';

export interface IllegalAnomaly extends Pick<JudgedAnomaly, 'property' | 'signature'> {
  /** The known bug that it is, as `id` or `id (link)`, or null for a new one. */
  readonly known: string | null;
}

export const illegalIn = (verdict: Verdict, knownIssueOf: KnownIssueOf): IllegalAnomaly[] =>
  verdict.anomalies
    .filter(({ policy }) => policy === 'illegal')
    .map((anomaly) => ({
      property: anomaly.property,
      signature: anomaly.signature,
      known: knownIssueOf(anomaly, verdict),
    }));

export const noveltyFigures = (illegal: readonly IllegalAnomaly[]): Figures => ({
  'illegal.new': illegal.filter(({ known }) => known === null).length,
  'illegal.known': illegal.filter(({ known }) => known !== null).length,
});

interface Judged {
  readonly scenario: { readonly name: string };
  readonly illegal: readonly IllegalAnomaly[];
}

/**
 * New ones first, then those that more scenarios show.
 * @param scenarios by scenario, then by subject
 */
export function findingsIn(
  scenarios: readonly (readonly Judged[])[],
  subjects: number,
): Comparison['findings'] {
  const found = new Map<string, Comparison['findings'][number]>();
  for (const ofScenario of scenarios)
    for (const [subject, { scenario, illegal }] of ofScenario.entries()) {
      const here = new Set<string>();
      for (const { property, signature, known } of illegal) {
        const key = JSON.stringify([known, property, signature]);
        const finding = found.get(key) ?? {
          ...{ property, signature, known },
          seen: Array.from({ length: subjects }, () => ({ anomalies: 0, scenarios: 0 })),
          first: scenario.name,
        };
        found.set(key, finding);
        const seen = finding.seen[subject];
        if (seen === undefined) continue;
        seen.anomalies++;
        if (!here.has(key)) seen.scenarios++;
        here.add(key);
      }
    }
  const sizeOf = ({ seen }: Comparison['findings'][number]): number =>
    seen.reduce((sum, one) => sum + one.scenarios, 0);
  const rank = ({ known }: Comparison['findings'][number]): number => (known === null ? 0 : 1);
  return [...found.values()].sort((a, b) => rank(a) - rank(b) || sizeOf(b) - sizeOf(a));
}
