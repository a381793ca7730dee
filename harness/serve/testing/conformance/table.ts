/**
 * The table of what each arm passed: API keys and versions by client enter as suites end, and where KAFKA_TRIAL_UPDATE
 * is set they leave as CONFORMANCE.md, with what other runs wrote there before.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiByKey } from '../../../cluster/protocol/apis.ts';
import { packageRoot } from '../../../version.ts';
import type { Driver } from './driver.ts';

export const tableFile = join(packageRoot, 'CONFORMANCE.md');

export interface Results {
  /** By arm, then client: `key version`. */
  readonly used: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** By client: what it cannot do, with the reason. */
  readonly cannot: Readonly<Record<string, Driver['cannot']>>;
}

const DATA = /<!-- results: (.*) -->/;
const NONE: Results = { used: {}, cannot: {} };

export const readResults = (text: string): Results => {
  const data = DATA.exec(text)?.[1];
  return data === undefined ? NONE : (JSON.parse(data) as Results);
};

export function addResults(arm: string, { name, cannot }: Driver, used: ReadonlySet<string>): void {
  if (process.env.KAFKA_TRIAL_UPDATE !== 'conformance') return;
  const before = existsSync(tableFile) ? readResults(readFileSync(tableFile, 'utf8')) : NONE;
  const results = {
    used: { ...before.used, [arm]: { ...before.used[arm], [name]: [...used].sort(byKeyAndVersion) } },
    cannot: { ...before.cannot, [name]: cannot },
  };
  writeFileSync(tableFile, render(results));
}

const byKeyAndVersion = (left: string, right: string): number => {
  const [one, other] = [left, right].map((text) => text.split(' ').map(Number)) as [number[], number[]];
  return (one[0] ?? 0) - (other[0] ?? 0) || (one[1] ?? 0) - (other[1] ?? 0);
};

/** Versions of a key that any of the clients used, such as `9–12`. */
function versionsOf(clients: Readonly<Record<string, readonly string[]>>, key: number): string {
  const versions = [...new Set(Object.values(clients).flat())]
    .filter((one) => one.startsWith(`${key} `))
    .sort(byKeyAndVersion)
    .map((one) => one.split(' ')[1] as string);
  return versions.join(', ');
}

export function render(results: Results): string {
  const { used, cannot } = results;
  const arms = Object.keys(used).sort();
  const clients = Object.keys(cannot).sort();
  const keys = new Set(arms.flatMap((arm) => Object.values(used[arm] ?? {}).flat()).map(keyOf));
  const rows = [...keys]
    .sort((left, right) => left - right)
    .map((key) => {
      const askers = clients.filter((client) =>
        arms.some((arm) => used[arm]?.[client]?.some((one) => keyOf(one) === key)),
      );
      const name = apiByKey.get(key)?.name ?? 'of real Kafka alone';
      return [`${key} ${name}`, ...arms.map((arm) => versionsOf(used[arm] ?? {}, key)), askers.join(', ')];
    });
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const header = ['API', ...arms.map((arm) => `versions passed on ${arm}`), 'asked by'];
  const lacks = clients.flatMap((client) =>
    Object.entries(cannot[client] ?? {}).map(([ability, reason]) => `- ${client}, ${ability}: ${reason}`),
  );
  return `# Conformance

Other people's clients run the same cases against the simulated cluster on real sockets and against real Kafka
(\`harness/serve/testing/conformance/cases.ts\`). This table says which API keys and versions they used in cases that
passed. The suites make it: \`KAFKA_TRIAL_UPDATE=conformance npm run conformance\`. Kafka's command-line tools and franz-go
are not part of \`npm test\`, and kcat and kafka-clients are with a sample.

${[line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')}

What a client itself cannot do, on either arm:

${lacks.join('\n')}

<!-- results: ${JSON.stringify(results)} -->
`;
}

const keyOf = (one: string): number => Number(one.split(' ')[0]);
