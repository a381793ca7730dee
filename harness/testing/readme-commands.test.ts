/**
 * Every command of the README is carried out as it stands there, but for how much of it: in a folder such as a reader
 * has, with fewer scenarios. What cannot be carried out here names what does so instead.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConnection } from '../cli/connection.ts';
import { packageRoot } from '../version.ts';
import { startCommand } from './command-line.ts';

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const { scripts, devDependencies } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  devDependencies: Record<string, string>;
};

/** Of all blocks for a shell, each command with its further lines and without the remark behind it. */
const commands = [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
  block
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+# .*$/, '').trim())
    .filter((line) => line !== ''),
);

type Rule = { readonly of: RegExp } & (
  | {
      /** What is put in the place of what, to have less of it. */
      readonly but?: readonly (readonly [string | RegExp, string])[];
      readonly says: RegExp;
      readonly code?: number;
    }
  /** What does it instead, or why nothing can. */
  | { readonly left: string }
);

/** With the seed of the day a client may fail in a scenario, as it is meant to where it has bugs. */
const sameSeed: readonly [RegExp, string] = [/$/, ' --seed 7'];
const runs = (count: number): readonly [RegExp, string] => [/--runs \d+/, `--runs ${count}`];
const counted = /1 scenarios?: \d valid, \d invalid, 0 unknown/;
const compared = /^1 scenario of profile calm, seed \d+, through 2 subjects/m;
/** In one thread: another one for each client would take longer to start than the scenario. */
const least = ' --runs 1 --profile calm --jobs 1';

const rules: readonly Rule[] = [
  {
    of: /^npm ci && npm start$/,
    but: [[/.*/, 'npm start -- --runs 1 --no-regressions'], sameSeed],
    says: counted,
  },
  { of: /^npm ci && npm test$/, left: 'it is what runs this' },
  { of: /run --world kafka/, left: 'harness/cli/cli.kafka.test.ts, where there is Docker' },
  { of: /run --application/, left: 'harness/library/example.test.ts' },
  { of: /lessons$/, left: 'harness/cli/cli.test.ts' },
  { of: /lessons crash-before-commit/, left: 'harness/cli/cli.test.ts, with another lesson' },
  { of: /lessons --all --world kafka/, left: 'harness/lessons/lessons.kafka.test.ts, where there is Docker' },
  { of: /shrink 7:37/, but: [[/$/, ' --time 1s']], says: /shrunk\.json/ },
  { of: /bench:shrink/, but: [[/\d+$/, '1 --time 2 --replays 1']], says: /identical: 1 of 1/ },
  { of: /kafka-trial bugs$/, says: /kafkajs-1453/ },
  { of: /bugs run kafkajs-1453/, says: /run 1 of \d+: kafkajs-1453 with kafkajs 2\.2\.4: / },
  { of: /bugs run --all --client/, but: [['--all', 'kafkajs-1453']], says: /2\.2\.4\+local\./ },
  { of: /bench:find/, but: [[/\d+$/, '0']], says: /kafkajs-1453 +\S+ +not found/ },
  { of: /replay 7:3 --until 120/, says: /State at .*, after event 120/ },
  { of: /replay 7:3 --until wire-heartbeat/, says: /heartbeat/i },
  { of: /replay 7:3 --until process-exit/, says: /"until"/ },
  { of: /replay 7:3 --verbose$/, left: 'harness/cli/cli.test.ts, with another scenario' },
  { of: /replay 7:37 --trace/, says: /What could have mattered to it, \d+ of \d+/, code: 1 },
  { of: /^npm install/, left: 'it needs the registry; the alias is in this package.json too' },
  { of: /run .*--client kafkajs@2\.0\.2/, but: [runs(1)], says: counted },
  { of: /agreement:java/, left: 'harness/agreement/java, where there are a JDK and Docker' },
  { of: /run --config billing\.yaml/, but: [runs(1), sameSeed], says: counted },
  {
    of: /compare patient\.yaml eager\.yaml/,
    left: 'harness/cli/compare.test.ts, with two such configurations',
  },
  {
    of: /compare kafkajs:billing/,
    but: [
      ['kafkajs:', 'kafkajs:common-'],
      ['reference:', 'reference:common-'],
      sameSeed,
      [/$/, `${least} --out comparisons`], // the latest is to be a run, which `report` takes
    ],
    says: compared,
  },
  { of: /compare kafkajs@2\.2\.3/, left: 'harness/cli/compare.test.ts, with another client beside them' },
  { of: /compare before\/consumer\.ts/, left: 'harness/cli/compare.test.ts, with more scenarios' },
  {
    of: /compare consumer\.ts consumer\.ts:patient/,
    left: 'harness/cli/compare.test.ts, with more scenarios',
  },
  { of: /--sweep/, left: 'harness/cli/compare.test.ts, with other values of the same words' },
  { of: /--shard 2\/4/, left: 'harness/cli/report.test.ts, with two shards' },
  { of: /report shards/, left: 'harness/cli/report.test.ts' },
  { of: /--format markdown/, says: /^$/ },
  { of: /--format github/, says: /^(::(error|warning|notice) |$)/ },
  { of: /run --runs 20 --mutant/, but: [runs(1), [/$/, ' --no-shrink']], says: /INVALID/, code: 1 },
  { of: /npm run mutants/, but: [[/$/, ' -- --mutant skip-partition --runs 3']], says: /skip-partition/ },
  { of: /serve /, left: 'below, since it does not end by itself' },
  { of: /^curl/, left: 'below, against a cluster that is served' },
  { of: /fuzz:protocol/, left: 'harness/serve/fuzz/fuzz.kafka.test.ts, where there is Docker' },
  {
    of: /npm run conformance/,
    left: 'harness/serve/conformance.kafka.test.ts, with a sample, where there is Docker',
  },
  { of: /bench:serve/, left: 'harness/serve/bench, since it needs a real broker to stand beside' },
  { of: /determinism/, but: [[/\d+$/, '1 --node this,this']], says: /1/ },
  { of: /npm run agreement --/, left: 'harness/agreement, where there is Docker' },
  // So many scenarios, not for so long: on a busy machine a second may end before the first of them does.
  {
    of: /soak/,
    but: [[/--time 10m$/, '--runs 2 --no-mutants --profiles calm --client reference']],
    says: /calm/,
  },
  {
    of: /npm run bench( --|$)/,
    left: 'it measures for minutes, and what it is made of has tests of its own',
  },
];

const ruleOf = (command: string): Rule | undefined => rules.find(({ of }) => of.test(command));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reader-'));
  const example = join(packageRoot, 'examples/outbox');
  for (const place of ['.', 'before', 'after']) cpSync(example, join(folder, place), { recursive: true });
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  symlinkSync(packageRoot, join(modules, 'kafka-trial'));
  for (const name of ['kafkajs', 'kafkajs-2.0.2', 'kafkajs-2.2.3'])
    symlinkSync(join(packageRoot, 'node_modules', name), join(modules, name));
  cpSync(join(packageRoot, 'node_modules/kafkajs'), join(folder, 'my-kafkajs'), { recursive: true });
  const [, billing = ''] = /```yaml\n(consumer:[\s\S]*?)```/.exec(readme) ?? [];
  writeFileSync(join(folder, 'billing.yaml'), billing);
  // Without the options of kafkajs' own, which another client refuses.
  writeFileSync(join(folder, 'common-billing.yaml'), billing.replace(/native:[\s\S]*/, ''));
  writeFileSync(join(folder, 'patient.yaml'), 'consumer: { session.timeout.ms: 45000 }\n');
  writeFileSync(join(folder, 'eager.yaml'), 'consumer: { session.timeout.ms: 6000 }\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly stdout: string;
}

/** As a reader types it; what is built is not built again, which other tests are running from meanwhile. */
function shell(command: string): Promise<Outcome> {
  const main = `node '${join(packageRoot, 'dist/harness/cli/main.js')}'`;
  const typed = command
    .replaceAll(/\bnpx kafka-trial\b/g, main)
    .replace(/^npm (?:run )?([\w:]+)(?: --)?/, (whole, name: string) => {
      const script = scripts[name];
      return script === undefined
        ? whole
        : script.replace('npm run --silent build && ', '').replace('dist/', `${packageRoot}/dist/`);
    });
  const env = { ...process.env, NO_COLOR: '1', GITHUB_STEP_SUMMARY: join(folder, 'summary.md') };
  return new Promise((resolve) => {
    execFile('sh', ['-c', typed], { cwd: folder, env, maxBuffer: 1e8 }, (error, stdout, stderr) =>
      resolve({
        code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
        output: stdout + stderr,
        stdout,
      }),
    );
  });
}

describe('each command of the README', { timeout: 120_000 }, () => {
  it('has a rule, and each rule a command', () => {
    expect(commands.length).toBeGreaterThan(40);
    expect(commands.filter((command) => ruleOf(command) === undefined)).toEqual([]);
    expect(rules.filter((rule) => !commands.some((command) => ruleOf(command) === rule))).toEqual([]);
    expect(readme).toContain(`kafkajs-2.0.2@${devDependencies['kafkajs-2.0.2']}`);
  });

  it('that is left to another test is left to one that there is', () => {
    const places = rules.flatMap((rule) =>
      'left' in rule ? [...rule.left.matchAll(/\bharness\/[\w./-]*\w/g)].map(([place]) => place) : [],
    );
    expect(places.length).toBeGreaterThan(10);
    expect(places.filter((place) => !existsSync(join(packageRoot, place)))).toEqual([]);
  });

  it.each(commands.filter((command) => !('left' in (ruleOf(command) ?? { left: '' }))))(
    '%s',
    async (command) => {
      const rule = ruleOf(command) as Exclude<Rule, { left: string }>;
      const less = (rule.but ?? []).reduce((text, [from, to]) => text.replace(from, to), command);
      const { code, output, stdout } = await shell(less);
      const said = command.includes('--format') ? stdout : output;
      expect([code, said]).toEqual([rule.code ?? 0, expect.stringMatching(rule.says)]);
    },
  );
});

describe('the cluster that it serves', { timeout: 60_000 }, () => {
  it('prints where it is, and takes the orders that the README sends', async () => {
    const [, three = ''] = /npx kafka-trial serve (--brokers 3[^#\n]*?)\s+#/.exec(readme) ?? [];
    const serving = startCommand(['serve', ...three.split(' '), '--port', '0']);
    try {
      const [, control = ''] = await serving.said(/Control channel: (\S+)/);
      expect((await serving.printed(/.+\n/))[0].split(',')).toHaveLength(3);
      const orders = commands.filter((command) => command.startsWith('curl'));
      expect(orders.length).toBe(4);
      for (const order of orders) {
        const [, address = '', body] =
          /^curl -s \$CONTROL(\/\w+)(?: -H 'content-type: application\/json')?(?:\s+-d '(.*)')?$/.exec(
            order,
          ) ?? [];
        const answer = await fetch(
          `${control}${address}`,
          body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body },
        );
        expect([order, answer.ok]).toEqual([order, true]);
      }
    } finally {
      serving.child.kill('SIGTERM');
      await serving.ended;
    }
  });

  it('takes the configuration that the README shows', async () => {
    const [, shown = ''] = /```json\n(\{\n {2}"settings"[\s\S]*?)```/.exec(readme) ?? [];
    const file = join(folder, 'serve.json');
    writeFileSync(file, shown);
    const made = await shell(
      "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj '/CN=localhost' -keyout key.pem -out cert.pem",
    );
    expect(made.code).toBe(0);
    const serving = startCommand(['serve', '--config', file, '--port', '0']);
    const [address] = await serving.printed(/.+\n/);
    serving.child.kill('SIGTERM');
    expect((await serving.ended).stderr).not.toMatch(/error/i);
    expect(address).toMatch(/:\d+\n$/);
  });

  it('is one JSON document where that is asked for', async () => {
    const [, words = ''] = /npx kafka-trial serve (--port 0[^#\n]*?)\s+#/.exec(readme) ?? [];
    const serving = startCommand(['serve', ...words.split(' ')]);
    const [document] = await serving.printed(/^.*\n$/);
    serving.child.kill('SIGTERM');
    await serving.ended;
    expect(JSON.parse(document)).toMatchObject({ bootstrapServers: [expect.any(String)] });
  });
});

describe('each snippet of the README', { timeout: 60_000 }, () => {
  it('is one of those that a test carries out', () => {
    const snippets = [...readme.matchAll(/```(ts|json|yaml)\n([^\n]*\n[^\n]*)/g)].map(
      ([, , text = '']) => text,
    );
    const carriedOut = [
      // harness/library/example.test.ts
      /kafka-trial\/vitest/,
      /import \{ trial \} from 'kafka-trial'/,
      // harness/testing/readme.test.ts
      /import \{ startCluster \}/,
      // here
      /kafka-trial\/kafkajs\/range/,
      /"bootstrapServers"/,
      /"settings"/,
      /^consumer:/,
    ];
    expect(snippets.filter((text) => !carriedOut.some((one) => one.test(text)))).toEqual([]);
    expect(snippets).toHaveLength(carriedOut.length);
  });

  it('names a cluster as the connection file does', () => {
    const [, shown = ''] = /```json\n(\{\n {2}"bootstrapServers"[\s\S]*?)```/.exec(readme) ?? [];
    const file = join(folder, 'connection.json');
    writeFileSync(file, shown);
    writeFileSync(join(folder, 'ca.pem'), 'an authority');
    expect(readConnection({ connection: file }, {})).toEqual({
      bootstrapServers: ['kafka-1.example:9093'],
      tls: expect.objectContaining({ certificateAuthority: 'an authority' }),
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'trial', password: '...' },
    });
  });

  it('gives kafkajs its assigners', async () => {
    const [, shown = ''] = /```ts\n(import \{ range \}[\s\S]*?)```/.exec(readme) ?? [];
    const before = "import { Kafka } from 'kafkajs';\nconst groupId = 'billing';\n";
    const kafka = "const kafka = new Kafka({ brokers: ['localhost:1'] });\n";
    writeFileSync(
      join(folder, 'assigners.mjs'),
      `${before}${kafka}${shown}\nconsole.log(sticky.assigner.length, range.length, typeof consumer.run);\n`,
    );
    const { code, output } = await shell('node assigners.mjs');
    expect([code, output]).toEqual([0, '1 1 function\n']);
  });

  it('has an editor complete scenarios by a schema that is there', () => {
    const [, schema = ''] = /"\$schema": "\.\/node_modules\/kafka-trial\/([^"]+)"/.exec(readme) ?? [];
    expect(JSON.parse(readFileSync(join(packageRoot, schema), 'utf8'))).toMatchObject({ type: 'object' });
  });
});
