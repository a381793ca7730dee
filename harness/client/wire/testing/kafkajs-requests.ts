/** Requests in kafkajs' own bytes: an API's name, a version and kafkajs' parameters enter, the frame that it sends leaves. */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

interface KafkajsRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  encode(): Promise<unknown>;
}
interface KafkajsApi {
  readonly versions: string[];
  protocol(options: { version: string }): (parameters: object) => { request: KafkajsRequest };
}

const frame = require('kafkajs/src/protocol/request.js') as (options: {
  request: KafkajsRequest;
  correlationId: number;
  clientId: string;
}) => Promise<{ buffer: Buffer }>;

const apiOf = (name: string): KafkajsApi =>
  require(`kafkajs/src/protocol/requests/${name}/index.js`) as KafkajsApi;

/** @param name as kafkajs names the folder, such as `offsetCommit` */
export const kafkajsVersions = (name: string): number[] => apiOf(name).versions.map(Number);

export async function kafkajsRequest(
  name: string,
  version: number,
  correlationId: number,
  clientId: string,
  parameters: object,
): Promise<Buffer> {
  const { request } = apiOf(name).protocol({ version: String(version) })(parameters);
  return (await frame({ request, correlationId, clientId })).buffer;
}
