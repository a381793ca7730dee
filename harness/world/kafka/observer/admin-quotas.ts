/** Administration of client quotas (KIP-546): quotas of client ids enter, the controller's confirmation leaves. */
import { alterClientQuotasV1 } from '@platformatic/kafka';
import { type ClusterLink, withRetries } from './cluster-link.ts';
import type { Deadline } from './deadline.ts';
import { throwOnError } from './kafka-error.ts';

export interface QuotaChange {
  readonly clientId: string;
  /** By Kafka's name of the quota; null takes it away. */
  readonly values: Readonly<Record<string, number | null>>;
}

type Entry = Parameters<typeof alterClientQuotasV1.createRequest>[0][number];

const entryOf = ({ clientId, values }: QuotaChange): Entry => ({
  entities: [{ entityType: 'client-id', entityName: clientId }],
  ops: Object.entries(values).map(([name, value]) => {
    const key = name as Entry['ops'][number]['key'];
    return value === null ? { key, remove: true } : { key, value, remove: false };
  }),
});

/** Any broker passes it on to the controller; it is the same however often it is done. */
export async function alterClientQuotas(
  link: ClusterLink,
  changes: readonly QuotaChange[],
  deadline: Deadline,
): Promise<void> {
  if (changes.length === 0) return;
  const what = 'setting quotas';
  await withRetries(what, deadline, async () => {
    const { entries } = await link.requestAny(alterClientQuotasV1.api, [changes.map(entryOf), false]);
    for (const { errorCode, errorMessage } of entries) throwOnError(what, errorCode, errorMessage);
  });
}
