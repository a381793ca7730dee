/**
 * `npm run bench:find`: the known bugs enter; for each, how many generated scenarios and how much CPU time it took to find
 * it leave, and what was found that is in no catalogue.
 */
import { hasBug } from '../bugs/known-issues.ts';
import { loadKnownBugs, type NamedBug } from '../bugs/load.ts';
import { type ClientName, clients } from '../client/clients.ts';
import { exitCodes } from '../errors.ts';
import { describeClient } from '../subject/builds.ts';
import { installedVersions } from '../subject/installed-package.ts';
import { readOptions, runTool, wholeNumber } from '../tool.ts';
import { packageRoot } from '../version.ts';
import { type Found, type Search, search } from './find.ts';

const values = readOptions({
  'cpu-minutes': { type: 'string', default: '30' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
});

/** The client's own version where that has the bug, or else an installed one that has. */
function clientWith(bug: NamedBug): string | null {
  const { client } = bug.bug;
  const { packageName } = clients[client as ClientName];
  const versions = packageName === null ? [] : installedVersions(packageName, [packageRoot]);
  const all = [client, ...versions.map((version) => `${client}@${version}`)];
  return all.find((one) => hasBug(bug, describeClient(one))) ?? null;
}

const line = ({ id, client, scenarios, cpuSeconds, path }: Found): string =>
  scenarios === null || cpuSeconds === null
    ? `${id.padEnd(30)} ${client.padEnd(14)} not found`
    : `${id.padEnd(30)} ${client.padEnd(14)} ${String(scenarios).padStart(6)} scenarios ${cpuSeconds.toFixed(1).padStart(8)} s of CPU time  ${path}`;

const say = (text: string): void => {
  if (!values.json) console.log(text);
};

async function main(signal: AbortSignal): Promise<number> {
  const bugs = await loadKnownBugs();
  const byClient = new Map<string | null, NamedBug[]>();
  for (const bug of bugs) {
    const client = clientWith(bug);
    byClient.set(client, [...(byClient.get(client) ?? []), bug]);
  }
  let leftSeconds = wholeNumber('cpu-minutes', values['cpu-minutes']) * 60;
  const searches: Search[] = [];
  // Each client has its share of what is left. Those of an old version come first: they are few and mostly soon found,
  // and what they leave is for the others.
  const entries = [...byClient]
    .reverse()
    .flatMap(([client, own]) => (client === null ? [] : [{ client, own }]));
  for (const [i, { client, own }] of entries.entries()) {
    const done = await search({
      client,
      bugs: own,
      named: bugs,
      seed: wholeNumber('seed', values.seed),
      cpuSecondsMax: leftSeconds / (entries.length - i),
      onFound: (found) => say(line(found)),
      signal,
    });
    leftSeconds = Math.max(0, leftSeconds - done.cpuSeconds);
    searches.push(done);
    for (const found of done.found) if (found.scenarios === null) say(line(found));
  }
  const found = searches.flatMap((one) => one.found);
  const summary = {
    bugs: bugs.length,
    found: found.filter(({ scenarios }) => scenarios !== null).length,
    scenarios: searches.reduce((sum, one) => sum + one.scenarios, 0),
    cpuSeconds: Math.round(searches.reduce((sum, one) => sum + one.cpuSeconds, 0) * 10) / 10,
  };
  const others = searches.flatMap((one) =>
    [...one.others].map(([kind, path]) => ({ client: one.client, kind, path })),
  );
  if (values.json) console.log(JSON.stringify({ ...summary, each: found, others }, null, 2));
  else {
    say(
      `${summary.found} of ${summary.bugs} found in ${summary.scenarios} scenarios and ${summary.cpuSeconds} s of CPU time`,
    );
    for (const { client, kind, path } of others)
      say(`in no catalogue: ${client}, ${kind} (first in ${path})`);
  }
  return exitCodes.valid;
}

await runTool(main);
