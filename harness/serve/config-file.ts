/**
 * The configuration file of `kafka-trial serve`: JSON enters, options leave. It has the keys of the options; in place of
 * PEM text it names files, by paths relative to it.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../errors.ts';

const tlsSchema = z.strictObject({
  certificateFile: z.string(),
  keyFile: z.string(),
  clientCertificateAuthorityFile: z.string().optional(),
});

/** @throws UsageError that names the file, and never quotes it, since it may hold passwords */
export function readConfigFile(file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readText(file, 'the configuration file'));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} is not JSON.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${file} is not a configuration file: expected an object.`);
  const { tls, ...options } = value as Record<string, unknown>;
  return tls === undefined ? options : { ...options, tls: readTls(tls, file) };
}

function readTls(given: unknown, file: string): Record<string, string> {
  const result = tlsSchema.safeParse(given);
  if (!result.success)
    throw new UsageError(
      `${file}: tls: expected certificateFile, keyFile and perhaps clientCertificateAuthorityFile.`,
    );
  const { certificateFile, keyFile, clientCertificateAuthorityFile: authority } = result.data;
  const pem = (path: string, what: string): string => readText(resolve(dirname(file), path), what);
  return {
    certificate: pem(certificateFile, 'the certificate'),
    key: pem(keyFile, 'the private key'),
    ...(authority === undefined
      ? {}
      : { clientCertificateAuthority: pem(authority, "the clients' certificate authority") }),
  };
}

export function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(
      `Cannot read ${what} ${path}: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`,
    );
  }
}
