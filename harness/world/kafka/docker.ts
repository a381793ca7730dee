/** What this machine offers for trials on real Kafka: the environment enters, checks with a sentence each leave. */
import { HarnessError } from '../../errors.ts';
import { type ContainerRuntimeClient, containerRuntime } from './container-runtime.ts';
import { defaultKafkaImage } from './image-name.ts';
import { imageHint, isImagePresent } from './image-presence.ts';
import { defaultToxiproxyImage, toxiproxyHint } from './links/image-name.ts';

export interface Check {
  readonly name: 'docker' | 'docker-api' | 'image' | 'toxiproxy' | 'memory' | 'cores';
  /** `missing` keeps the Kafka world from running, `poor` makes it slow or small. */
  readonly status: 'good' | 'poor' | 'missing';
  readonly sentence: string;
  /** What to do about it, or null where there is nothing to do. */
  readonly hint: string | null;
}

export interface DockerInspection {
  /** True where the Kafka world can run as things are. */
  readonly ready: boolean;
  readonly image: string;
  readonly checks: readonly Check[];
}

/** The oldest Docker API that testcontainers speaks; Docker 19.03 has it. */
const API_VERSION_MIN = '1.40';
/** A broker of a trial takes about 160 MiB when it starts and up to 700 when it works; the clients come on top. */
const MEMORY_FOR_ONE_BROKER = 1.5 * 1024 ** 3;
const MEMORY_FOR_THREE_BROKERS = 4 * 1024 ** 3;
const ANSWER_TIMEOUT_MS = 10_000;

/** Never throws: what cannot be found out is itself a finding. */
export async function inspectDocker(image: string = defaultKafkaImage()): Promise<DockerInspection> {
  const checks = await collectChecks(image);
  return { ready: checks.every(({ status }) => status !== 'missing'), image, checks };
}

async function collectChecks(image: string): Promise<Check[]> {
  try {
    const runtime = await withinBound(containerRuntime());
    const { dockerode } = runtime.container;
    const [version, info] = await withinBound(
      Promise.all([
        dockerode.version() as Promise<{ Version: string; ApiVersion: string }>,
        dockerode.info() as Promise<{ MemTotal: number; NCPU: number }>,
      ]),
    );
    return [
      {
        name: 'docker',
        status: 'good',
        sentence: `A Docker daemon answers (version ${version.Version}).`,
        hint: null,
      },
      checkApiVersion(version.ApiVersion),
      await checkImage(runtime, image),
      await checkToxiproxy(runtime),
      checkMemory(info.MemTotal),
      checkCores(info.NCPU),
    ];
  } catch (error) {
    const known = error instanceof HarnessError;
    return [
      {
        name: 'docker',
        status: 'missing',
        sentence: known ? error.message : `Docker could not be asked: ${String(error)}.`,
        hint: (known && error.hint) || 'Check it with `docker info`.',
      },
    ];
  }
}

async function checkImage(runtime: ContainerRuntimeClient, image: string): Promise<Check> {
  if (await withinBound(isImagePresent(runtime, image)))
    return { name: 'image', status: 'good', sentence: `The image ${image} is on this machine.`, hint: null };
  return {
    name: 'image',
    status: 'missing',
    sentence: `The image ${image} is not on this machine.`,
    hint: imageHint(image),
  };
}

/** Without it everything runs but the faults of links. */
async function checkToxiproxy(runtime: ContainerRuntimeClient): Promise<Check> {
  const image = defaultToxiproxyImage();
  if (await withinBound(isImagePresent(runtime, image)))
    return {
      name: 'toxiproxy',
      status: 'good',
      sentence: `The image ${image}, with which links are broken, is on this machine.`,
      hint: null,
    };
  return {
    name: 'toxiproxy',
    status: 'poor',
    sentence: `The image ${image} is not on this machine, so faults of links on real Kafka are skipped where it cannot be pulled.`,
    hint: toxiproxyHint(image),
  };
}

export function checkApiVersion(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = API_VERSION_MIN.split('.').map(Number);
  const good = major > majorMin || (major === majorMin && minor >= minorMin);
  return {
    name: 'docker-api',
    status: good ? 'good' : 'missing',
    sentence: `Docker speaks API version ${version}${good ? '' : `, and ${API_VERSION_MIN} is the oldest that will do`}.`,
    hint: good ? null : 'Install a newer Docker.',
  };
}

export function checkMemory(bytes: number): Check {
  const gibibytes = `${(bytes / 1024 ** 3).toFixed(1)} GiB of memory`;
  if (bytes >= MEMORY_FOR_THREE_BROKERS)
    return {
      name: 'memory',
      status: 'good',
      sentence: `Docker has ${gibibytes}, enough for three brokers.`,
      hint: null,
    };
  const oneFits = bytes >= MEMORY_FOR_ONE_BROKER;
  return {
    name: 'memory',
    status: 'poor',
    sentence: `Docker has ${gibibytes}, ${oneFits ? 'enough for one broker, tight for three' : 'tight even for one broker'}.`,
    hint: 'Give Docker 4 GiB or more.',
  };
}

export function checkCores(count: number): Check {
  const cores = `${count} ${count === 1 ? 'core' : 'cores'}`;
  if (count >= 2) return { name: 'cores', status: 'good', sentence: `Docker has ${cores}.`, hint: null };
  return {
    name: 'cores',
    status: 'poor',
    sentence: `Docker has ${cores}, so scenarios of many members will lag behind their schedule.`,
    hint: 'Give Docker 2 cores or more.',
  };
}

/** A daemon that hangs must not make `doctor` hang. */
async function withinBound<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`the daemon did not answer within ${ANSWER_TIMEOUT_MS / 1_000} s`)),
      ANSWER_TIMEOUT_MS,
    );
  });
  try {
    return await Promise.race([answer, bound]);
  } finally {
    clearTimeout(timer);
  }
}
