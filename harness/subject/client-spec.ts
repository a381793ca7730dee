/**
 * How a person names a client: `kafkajs`, `kafkajs@2.0.2`, `kafkajs@./my-kafkajs` or `kafkajs@some-package` enters, its
 * parts leave.
 */
import { valid } from 'semver';
import { type ClientName, clients, isClientName } from '../client/clients.ts';
import { UsageError } from '../errors.ts';

/** Where the client's code is. */
export type ClientSource =
  /** The version that kafka-trial itself depends on, or is. */
  | { readonly kind: 'own' }
  | { readonly kind: 'version'; readonly version: string }
  /** A folder with a package.json: a working copy. */
  | { readonly kind: 'folder'; readonly folder: string }
  /** A package that is installed under another name: a fork, or an alias. */
  | { readonly kind: 'package'; readonly packageName: string };

export interface ClientSpec {
  readonly name: ClientName;
  readonly source: ClientSource;
}

/** A package name as npm allows it today. */
const PACKAGE_NAME = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;

/** @throws UsageError that says what was expected */
export function parseClientSpec(text: string): ClientSpec {
  const [name, which] = divide(text);
  if (!isClientName(name))
    throw new UsageError(`There is no client '${name}'.`, {
      hint: `The clients are: ${Object.keys(clients).join(', ')}. A version or a folder stands behind an @, such as kafkajs@2.0.2 or kafkajs@./my-kafkajs.`,
    });
  if (which === null) return { name, source: { kind: 'own' } };
  if (clients[name].packageName === null)
    throw new UsageError(
      `'${text}': the client '${name}' is a part of kafka-trial and has no other version.`,
    );
  if (/^[./~]/.test(which)) return { name, source: { kind: 'folder', folder: which } };
  const version = valid(which);
  if (version !== null) return { name, source: { kind: 'version', version } };
  if (PACKAGE_NAME.test(which)) return { name, source: { kind: 'package', packageName: which } };
  throw new UsageError(`'${text}': expected a version, a folder or a package behind the @.`, {
    hint: `Such as ${name}@2.0.2, ${name}@./working-copy or ${name}@${name}-fork.`,
  });
}

function divide(text: string): [name: string, which: string | null] {
  const at = text.indexOf('@');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}
