/** What a broker printed: a container enters, its log as plain text leaves. */
import type { ContainerRuntimeClient } from './container-runtime.ts';

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;

const HEADER_BYTES = 8;

/** @param lines how many lines from the end, or `all` */
export async function readLog(container: Container, lines: number | 'all'): Promise<string> {
  const tail = lines === 'all' ? {} : { tail: lines };
  const output = await container.logs({ follow: false, stdout: true, stderr: true, ...tail });
  return demultiplex(output as unknown as Buffer);
}

/** Docker sends both streams in frames: a byte for the stream, three of nothing, four of length, then the text. */
export function demultiplex(output: Buffer): string {
  const parts: Buffer[] = [];
  for (let offset = 0; offset + HEADER_BYTES <= output.length; ) {
    const length = output.readUInt32BE(offset + 4);
    parts.push(output.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + length));
    offset += HEADER_BYTES + length;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The version that a broker says it is, or `unknown`. */
export function kafkaVersionIn(log: string): string {
  return /Kafka version: (\S+)/.exec(log)?.[1] ?? 'unknown';
}

/** The last lines of a log without the frames of stack traces, so that the causes are among them. */
export function withoutStackFrames(log: string, lines: number): string {
  const kept = log.split('\n').filter((line) => line !== '' && !/^\s+(at |\.\.\. \d+ more)/.test(line));
  return kept.slice(-lines).join('\n');
}
