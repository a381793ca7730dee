/**
 * Tells what is known of a client from what is new: the known bugs and a client's version enter; a function leaves that
 * names the known bug which an anomaly is, or null.
 *
 * It goes by property and signature, and where these say too little by a part of the message. What follows from a bug (a
 * group that does not drain, for one) is known only where the bug itself shows in the same run, and of the same process or
 * group where the bug asks for that, since such a consequence has many causes.
 */
import { satisfies } from 'semver';
import type { Anomaly } from '../../properties/property.ts';
import type { KnownIssueOf } from '../../reports/results.ts';
import type { Breach, Consequence } from '../../scenarios/known-bugs/known-bug.ts';
import { loadKnownBugs, type NamedBug } from './load.ts';

interface Client {
  readonly name: string;
  readonly version: string;
}

export const hasBug = ({ bug }: NamedBug, { name, version }: Client): boolean =>
  bug.client === name && satisfies(version, bug.versions, { includePrerelease: true });

export function knownIssues(bugs: readonly NamedBug[], client: Client): KnownIssueOf {
  const present = bugs.filter((one) => hasBug(one, client));
  return (anomaly, { anomalies }) => {
    const isTelling = (one: Anomaly, { bug }: NamedBug): boolean =>
      bug.trips.some((breach) => isBreach(one, breach)) ||
      bug.consequences?.some((breach) => breach.within === 'itself' && isBreach(one, breach)) === true;
    const isOfSame = (one: Anomaly, { within }: Consequence): boolean =>
      within === undefined ||
      within === 'itself' ||
      (anomaly.subject[within] !== undefined && one.subject[within] === anomaly.subject[within]);
    const followsFrom = (bug: NamedBug, breach: Consequence): boolean =>
      anomalies.some((one) => isTelling(one, bug) && isOfSame(one, breach));
    const found =
      present.find((bug) => isTelling(anomaly, bug)) ??
      present.find((bug) =>
        bug.bug.consequences?.some((breach) => isBreach(anomaly, breach) && followsFrom(bug, breach)),
      );
    return found === undefined ? null : nameOf(found);
  };
}

/** Under a mutant nothing is known: it was broken on purpose. */
export const knownIssuesOf = async (client: Client, mutant: string | null): Promise<KnownIssueOf> =>
  mutant === null ? knownIssues(await loadKnownBugs(), client) : () => null;

export const isBreach = (
  anomaly: Pick<Anomaly, 'property' | 'signature' | 'message'>,
  { property, signature, message }: Breach,
): boolean =>
  anomaly.property === property &&
  anomaly.signature === signature &&
  (message === undefined || anomaly.message.includes(message));

/** `kafkajs-1453 (https://...)`. */
export const nameOf = ({ id, bug }: NamedBug): string => (bug.issue === null ? id : `${id} (${bug.issue})`);
