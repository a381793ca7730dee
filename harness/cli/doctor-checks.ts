/**
 * The checks of `kafka-trial doctor`: a connection or none enters, findings leave; what a killed harness left on this
 * machine is removed on the way.
 */

import type { Connection } from '../client/protocol.ts';
import { messageOf } from '../errors.ts';
import { type Check, inspectDocker } from '../world/kafka/docker.ts';
import { describeLeftovers, findLeftovers, removeLeftovers } from '../world/kafka/leftovers.ts';
import { NAME_PREFIX } from '../world/kafka/names.ts';
import { openAdmin } from '../world/kafka/observer/admin.ts';

/** One finding; the same shape for every kind of check. */
export type Finding = Pick<Check, 'status' | 'sentence' | 'hint'> & { readonly name: string };

const NODE_VERSION_MIN = [20, 19] as const;

/** @param clean removes what of ours is on the cluster */
export async function examine(
  connection: Connection | null,
  clean: boolean,
): Promise<{ findings: Finding[]; kafka: boolean }> {
  const docker = await inspectDocker();
  const findings: Finding[] = [checkNode(), ...docker.checks, await removeLeft()];
  if (connection === null) return { findings, kafka: docker.ready };
  const cluster = await checkCluster(openAdmin(connection), clean);
  return { findings: [...findings, cluster], kafka: docker.ready || cluster.status === 'good' };
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
      sentence: `${description} Not all could be removed: ${messageOf(error)}`,
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
      sentence: `The cluster cannot be used: ${messageOf(error)}`,
      hint: 'Check the addresses, and whether it asks for TLS or SASL.',
    };
  } finally {
    await admin.close();
  }
}
