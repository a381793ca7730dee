/** Why a broker did not start: Docker's error and what is known of the container enter, one clear sentence leaves. */
import { HarnessError, WorldUnavailableError } from '../../errors.ts';
import { imageMissing } from './image-presence.ts';

export interface FailedStart {
  readonly brokerId: number;
  readonly hostPort: number;
  readonly image: string;
  /** How the container stood when it was given up, if it existed. */
  readonly container?: {
    readonly running: boolean;
    readonly outOfMemory: boolean;
    readonly exitCode: number;
  };
  /** The last lines that the broker printed, empty if there are none. */
  readonly logTail: string;
}

const rules: readonly {
  readonly pattern: RegExp;
  readonly explain: (start: FailedStart) => { readonly message: string; readonly hint: string };
}[] = [
  {
    pattern: /port is already allocated|address already in use|ports are not available/i,
    explain: ({ brokerId, hostPort }) => ({
      message: `Port ${hostPort} of this machine is taken, so broker ${brokerId} cannot start.`,
      hint: `\`ss -ltnp\` shows who listens there; \`kafka-trial doctor\` finds and removes what an earlier run left.`,
    }),
  },
  {
    pattern: /no space left on device/i,
    explain: ({ brokerId }) => ({
      message: `The disk is full, so broker ${brokerId} cannot start.`,
      hint: '`docker system df` shows what Docker uses and `docker system prune` frees what is unused.',
    }),
  },
  {
    pattern: /address pools have been fully subnetted|could not find an available.*address pool/i,
    explain: () => ({
      message: 'Docker has no address range left for another network.',
      hint: '`kafka-trial doctor` removes networks of earlier runs; `docker network prune` those that nothing uses.',
    }),
  },
  {
    pattern: /ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|socket hang up/,
    explain: ({ brokerId }) => ({
      message: `The Docker daemon stopped answering while broker ${brokerId} was being started.`,
      hint: 'Check it with `docker info`; its own log says why it went away.',
    }),
  },
];

export function explainFailedStart(error: unknown, start: FailedStart): HarnessError {
  if (error instanceof HarnessError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/no such image/i.test(text)) return imageMissing(start.image, error);
  const rule = rules.find(({ pattern }) => pattern.test(text));
  if (rule !== undefined) {
    const { message, hint } = rule.explain(start);
    return new WorldUnavailableError(message, { hint, cause: error });
  }
  const { message, hint } = explainContainer(start, text);
  return new WorldUnavailableError(message, { hint, cause: error });
}

function explainContainer(start: FailedStart, text: string): { message: string; hint: string } {
  const { brokerId, container, logTail } = start;
  const lastLines = logTail === '' ? 'It printed nothing.' : `Its last lines:\n${logTail}`;
  if (container?.outOfMemory || container?.exitCode === 137)
    return {
      message: `Broker ${brokerId} was killed while it started, most likely for lack of memory.`,
      hint: `A broker needs about 400 MiB; \`free -m\` shows what there is. ${lastLines}`,
    };
  if (container !== undefined && !container.running)
    return {
      message: `Broker ${brokerId} ended while it started, with exit code ${container.exitCode}.`,
      hint: lastLines,
    };
  return { message: `Broker ${brokerId} did not start: ${text.split('\n')[0]}.`, hint: lastLines };
}
