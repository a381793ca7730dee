/** Small labels and frames that several parts of the page share: an outcome, a policy or a known issue enters, a label leaves. */
import type { ComponentChildren, JSX } from 'preact';
import { count } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import { linkOf } from '../known-issue.ts';
import type { ResultAnomaly } from '../results.ts';

const policyWords = { illegal: 'illegal here', observed: 'seen, and allowed here' } as const;

type Judged = Pick<ResultAnomaly, 'policy' | 'known'>;

/** What is known already is nobody's new mistake, so it does not look like one. */
export const kindOf = ({ policy, known }: Judged): 'illegal' | 'known' | 'observed' =>
  policy === 'illegal' && known !== null ? 'known' : policy;

export function AnomalyBadge(judged: Judged): JSX.Element {
  const { policy, known } = judged;
  if (policy === 'illegal' && known !== null)
    return (
      <span class="badge known">
        known issue <KnownIssue known={known} />
      </span>
    );
  return <span class={`badge ${policy === 'illegal' ? 'bad' : 'warn'}`}>{policyWords[policy]}</span>;
}

export function KnownIssue({ known }: { readonly known: string }): JSX.Element {
  const linked = linkOf(known);
  return linked === null ? (
    <span>{shorten(known, 400)}</span>
  ) : (
    <a href={linked.link} rel="noreferrer">
      {linked.id}
    </a>
  );
}

/** Whether what makes a scenario invalid is known, all of it. */
export const isKnownAlone = (anomalies: readonly Judged[]): boolean => {
  const illegal = anomalies.filter(({ policy }) => policy === 'illegal');
  return illegal.length > 0 && illegal.every(({ known }) => known !== null);
};

export function OutcomeBadge({
  outcome,
  known = false,
}: {
  readonly outcome: 'valid' | 'invalid' | 'unknown';
  /** Of an invalid one, whether it shows nothing but known issues. */
  readonly known?: boolean;
}): JSX.Element {
  if (outcome === 'invalid' && known) return <span class="badge known">invalid, known</span>;
  return (
    <span class={`badge ${outcome === 'valid' ? 'good' : outcome === 'invalid' ? 'bad' : 'warn'}`}>
      {outcome}
    </span>
  );
}

export const Wide = ({
  children,
  label,
}: {
  readonly children: ComponentChildren;
  readonly label: string;
}): JSX.Element => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard.
  <section class="wide" tabIndex={0} aria-label={label}>
    {children}
  </section>
);

export const LeftOut = ({ count: left }: { readonly count: number }): JSX.Element | null =>
  left <= 0 ? null : <p class="quiet">{count(left, 'more row')} left out here.</p>;
