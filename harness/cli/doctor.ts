/**
 * `kafka-trial doctor`: says what this machine can run and what to do about the rest, and removes what harnesses that
 * were killed left behind; an exit code leaves: 0 where a world can run, 3 where none can.
 */
import { Command } from 'commander';
import { type ExitCode, exitCodes } from '../errors.ts';
import { type Check, inspectDocker } from '../world/kafka/docker.ts';
import { describeLeftovers, findLeftovers, removeLeftovers } from '../world/kafka/leftovers.ts';
import { NAME_PREFIX } from '../world/kafka/names.ts';
import { openAdmin } from '../world/kafka/observer/admin.ts';
import { readConnection } from './connection.ts';
import type { Ended } from './main.ts';

interface DoctorOptions {
  readonly brokers?: string;
  readonly connection?: string;
  readonly clean?: boolean;
  readonly json?: boolean;
}

/** One finding; the same shape for every kind of check. */
type Finding = Pick<Check, 'status' | 'sentence' | 'hint'> & { readonly name: string };

const NODE_VERSION_MIN = [20, 19] as const;

export function doctorCommand(ended: Ended): Command {
  return new Command('doctor')
    .description('say what this machine can run, and what to do about the rest')
    .option('--brokers <addresses>', 'look at this cluster too (host:port, comma-separated)')
    .option('--connection <file>', 'JSON file with bootstrapServers, tls and sasl')
    .option('--clean', `with a cluster: remove all topics and groups there that begin with ${NAME_PREFIX}`)
    .option('--json', 'print one JSON document on standard output')
    .addHelpText(
      'after',
      `
Containers and processes that a killed harness left on this machine are removed at once. On a cluster of yours nothing
tells a dead run from a live one on another machine, so its topics and groups are removed only with --clean.`,
    )
    .action(async (options: DoctorOptions) => {
      const connection = readConnection(options, process.env);
      const docker = await inspectDocker();
      const findings: Finding[] = [checkNode(), ...docker.checks, await removeLeft()];
      let kafka = docker.ready;
      if (connection !== null) {
        const finding = await checkCluster(openAdmin(connection), options.clean === true);
        findings.push(finding);
        kafka ||= finding.status === 'good';
      }
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ schema: 1, command: 'doctor', worlds: { kafka }, checks: findings }, null, 2)}\n`
          : render(findings, kafka),
      );
      const code: ExitCode = kafka ? exitCodes.valid : exitCodes.unknown;
      ended(code);
    });
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const good = major > NODE_VERSION_MIN[0] || (major === NODE_VERSION_MIN[0] && minor >= NODE_VERSION_MIN[1]);
  return {
    name: 'node',
    status: good ? 'good' : 'missing',
    sentence: `Node ${process.versions.node} runs this.`,
    hint: good ? null : `Install Node ${NODE_VERSION_MIN.join('.')} or newer.`,
  };
}

async function removeLeft(): Promise<Finding> {
  const leftovers = await findLeftovers();
  const description = describeLeftovers(leftovers);
  if (description === null)
    return {
      name: 'leftovers',
      status: 'good',
      sentence: 'No killed harness left anything behind.',
      hint: null,
    };
  try {
    await removeLeftovers(leftovers);
    return {
      name: 'leftovers',
      status: 'good',
      sentence: `${description} They are removed now.`,
      hint: null,
    };
  } catch (error) {
    return {
      name: 'leftovers',
      status: 'poor',
      sentence: `${description} Not all could be removed: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Look for containers with the label kafka-trial.session.',
    };
  }
}

async function checkCluster(admin: ReturnType<typeof openAdmin>, clean: boolean): Promise<Finding> {
  try {
    const brokers = await admin.brokers();
    const [topics, groups] = [await admin.listTopics(NAME_PREFIX), await admin.listGroups(NAME_PREFIX)];
    const there = `The cluster answers with ${brokers.length} broker${brokers.length === 1 ? '' : 's'}`;
    if (topics.length + groups.length === 0)
      return { name: 'cluster', status: 'good', sentence: `${there}; nothing of ours is on it.`, hint: null };
    const ours = `${topics.length} topics and ${groups.length} groups begin with ${NAME_PREFIX}`;
    if (!clean)
      return {
        name: 'cluster',
        status: 'good',
        sentence: `${there}; ${ours}.`,
        hint: 'Where no trial is running on it, --clean removes them.',
      };
    const left = await admin.deleteGroups(groups);
    await admin.deleteTopics(topics);
    return left.length === 0
      ? { name: 'cluster', status: 'good', sentence: `${there}; ${ours}, and are removed now.`, hint: null }
      : {
          name: 'cluster',
          status: 'poor',
          sentence: `${there}; ${left.length} groups could not be removed (${left.map(({ group, error }) => `${group}: ${error}`).join(', ')}).`,
          hint: 'Their members may still be alive.',
        };
  } catch (error) {
    return {
      name: 'cluster',
      status: 'missing',
      sentence: `The cluster cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'Check the addresses, and whether it asks for TLS or SASL.',
    };
  } finally {
    await admin.close();
  }
}

function render(findings: readonly Finding[], kafka: boolean): string {
  const marks = { good: '✓', poor: '!', missing: '✗' } as const;
  const lines = findings.flatMap(({ status, sentence, hint }) => [
    `${marks[status]} ${sentence}`,
    ...(hint === null ? [] : [`  ${hint}`]),
  ]);
  return `${[...lines, '', kafka ? 'Trials on real Kafka can run here.' : 'Trials on real Kafka cannot run here yet.'].join('\n')}\n`;
}
