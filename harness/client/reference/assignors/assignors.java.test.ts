/**
 * Our assignors against Apache's own, over generated groups and their rebalances: each list of partitions has to be
 * Java's, in Java's order. The order of the members in a map is not compared: a SyncGroup request names every member
 * once, and the coordinator puts the assignments into a map again, so that nobody can see it.
 *
 * `npx vitest run --project java harness/client/reference/assignors --update` writes the file of Java's answers anew,
 * against which machines without Java test.
 */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { groupHistory, groupPlan, type Rebalance, rarePlans } from '../testing/group-histories.ts';
import { answersFile, answersText } from '../testing/java-answers.ts';
import {
  askJava,
  type GroupAnswer,
  type LeaderQuestion,
  type UserDataQuestion,
} from '../testing/java-assignors.ts';
import type { Assignor } from './assignor.ts';
import { assignors } from './index.ts';

const SEED = 20_261_122;
const PLANS = 400;
/** Of each assignor, of those that come first and are short. */
const KEPT = 40;
const KEPT_MEMBERS_MAX = 6;

const names = Object.keys(assignors) as Assignor['name'][];
const plans = [...rarePlans, ...fc.sample(groupPlan, { seed: SEED, numRuns: PLANS })];
const rebalances: Rebalance[] = names.flatMap((name) => plans.flatMap((plan) => groupHistory(name, plan)));

const userData: UserDataQuestion[] = rebalances.flatMap(({ question: { assignor, members } }, i) =>
  members.slice(i % 3, (i % 3) + 1).map(({ ownedPartitions, generationId }) => ({
    assignor,
    owned: ownedPartitions,
    generationId,
  })),
);

/** Of the driver of the Java client, whether it says that it leads the group that it has joined. */
const leaders: readonly (LeaderQuestion & { readonly leads: boolean })[] = names.flatMap((assignor) => [
  { assignor, steps: ['join', 'assign', 'hear'], leads: true },
  { assignor, steps: ['join', 'assign', 'hear', 'join', 'hear'], leads: false },
  // Its SyncGroup was refused, and in the next generation another leads.
  { assignor, steps: ['join', 'assign', 'join', 'hear'], leads: false },
]);

let answers: readonly GroupAnswer[] = [];
let saysToLead: readonly boolean[] = [];
let userDataAnswers: readonly (string | null)[] = [];
beforeAll(async () => {
  const java = await askJava(
    rebalances.map(({ question }) => question),
    userData,
    leaders,
  );
  answers = java.groups;
  saysToLead = java.leaders;
  userDataAnswers = java.userData;
});

describe.each(names)('%s', (name) => {
  const own = rebalances
    .map((rebalance, i) => ({ ...rebalance, i }))
    .filter(({ question }) => question.assignor === name);

  it('assigns as Java does, in at least 1,000 rebalances', () => {
    expect(own.length).toBeGreaterThan(1_000);
    for (const { question, answer, i } of own)
      expect({ question, answer }).toEqual({ question, answer: answers[i] });
  });

  it('writes the user data that Java writes', () => {
    const questions = userData.map((one, i) => ({ ...one, i })).filter(({ assignor }) => assignor === name);
    expect(questions.length).toBeGreaterThan(100);
    for (const { owned, generationId, i } of questions) {
      const bytes = assignors[name].subscriptionUserData(owned, generationId);
      expect(bytes === null ? null : Buffer.from(bytes).toString('hex')).toBe(userDataAnswers[i]);
    }
  });
});

it('is a leader to the driver of the Java client in the generation that it has assigned, and in no other', () => {
  expect(leaders.map((one, i) => ({ ...one, leads: saysToLead[i] }))).toEqual(leaders);
});

it("is what the file of Java's answers holds", async () => {
  const kept = names.flatMap((name) =>
    rebalances
      .map(({ question }, i) => ({ question, answer: answers[i] as GroupAnswer }))
      .filter(({ question }) => question.assignor === name && question.members.length <= KEPT_MEMBERS_MAX)
      .slice(0, KEPT),
  );
  await expect(answersText(kept)).toMatchFileSnapshot(answersFile);
});
