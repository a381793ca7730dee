/**
 * Where a cluster named by the user is and how to log in: the --brokers and --connection options and the environment
 * enter, a Connection leaves. Secrets come from the file or the environment only, and reach no argument and no report.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { formatPath } from '../../scenarios/schema.ts';
import { type Connection, connectionSchema } from '../client/protocol.ts';
import { UsageError } from '../errors.ts';

const tlsFileSchema = z.strictObject({
  certificateAuthorityFile: z.string().optional(),
  certificateFile: z.string().optional(),
  keyFile: z.string().optional(),
  serverName: z.string().optional(),
});

/** A connection file; paths in it are relative to it. */
const connectionFileSchema = z.strictObject({
  bootstrapServers: connectionSchema.shape.bootstrapServers.optional(),
  /** true: TLS with the platform's certificate authorities. */
  tls: z.union([z.literal(true), tlsFileSchema]).optional(),
  sasl: connectionSchema.shape.sasl.unwrap().optional(),
});
type ConnectionFile = z.infer<typeof connectionFileSchema>;

export interface ConnectionOptions {
  /** Comma-separated addresses, `host:port`. */
  readonly brokers?: string | undefined;
  /** Path of a connection file. */
  readonly connection?: string | undefined;
}

/**
 * @returns null where the user named no cluster, so that containers are to be started
 * @throws UsageError that names the option, variable or key at fault, never its value where it is a secret
 */
export function readConnection(
  options: ConnectionOptions,
  environment: NodeJS.ProcessEnv,
): Connection | null {
  const file = options.connection ?? environment.KAFKA_TRIAL_CONNECTION;
  const fromFile = file === undefined ? {} : readConnectionFile(file);
  const settings = { ...fromFile, ...fromEnvironment(environment) };
  const brokers = options.brokers?.split(',').map((address) => address.trim()) ?? settings.bootstrapServers;
  if (brokers === undefined) {
    if (file !== undefined)
      throw new UsageError(`${file} names no cluster.`, {
        hint: 'Add bootstrapServers to it, or give --brokers.',
      });
    return null;
  }
  const result = connectionSchema.shape.bootstrapServers.safeParse(brokers);
  if (!result.success) {
    const [issue] = result.error.issues;
    const which = typeof issue?.path[0] === 'number' ? brokers[issue.path[0]] : brokers.join(',');
    throw new UsageError(`'${which}' is not a broker address: expected host:port.`);
  }
  const tls = settings.tls === undefined ? null : settings.tls === true ? {} : readTls(settings.tls, file);
  return { bootstrapServers: result.data, tls, sasl: settings.sasl ?? null };
}

function readConnectionFile(file: string): ConnectionFile {
  const text = readText(file, 'the connection file');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, and the text may hold a password.
    throw new UsageError(`${file} is not JSON.`);
  }
  const result = connectionFileSchema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `  ${formatPath([...issue.path, ...issue.keys.slice(0, 1)])}: expected no such key`
      : `  ${formatPath(issue.path)}: ${issue.message}`,
  );
  throw new UsageError(`${file} is not a connection file:\n${lines.join('\n')}`);
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Partial<ConnectionFile> {
  const username = environment.KAFKA_TRIAL_SASL_USERNAME;
  const password = environment.KAFKA_TRIAL_SASL_PASSWORD;
  if (username === undefined && password === undefined) return {};
  if (username === undefined || password === undefined)
    throw new UsageError('KAFKA_TRIAL_SASL_USERNAME and KAFKA_TRIAL_SASL_PASSWORD are needed together.');
  const mechanism = environment.KAFKA_TRIAL_SASL_MECHANISM ?? 'PLAIN';
  const result = connectionFileSchema.shape.sasl.safeParse({ mechanism, username, password });
  if (!result.success)
    throw new UsageError(
      `KAFKA_TRIAL_SASL_MECHANISM: expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, got '${mechanism}'.`,
    );
  return { sasl: result.data };
}

function readTls(
  tls: z.infer<typeof tlsFileSchema>,
  file: string | undefined,
): NonNullable<Connection['tls']> {
  const folder = file === undefined ? '.' : dirname(file);
  const pem = (path: string | undefined, what: string) =>
    path === undefined ? undefined : readText(resolve(folder, path), what);
  const certificateAuthority = pem(tls.certificateAuthorityFile, 'the certificate authority');
  const certificate = pem(tls.certificateFile, 'the certificate');
  const key = pem(tls.keyFile, 'the private key');
  return {
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
  };
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `Cannot read ${what} ${path}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`,
    );
  }
}
