/**
 * Which process a member of a group is: events in which a client learns its member id enter, and for each member that the
 * coordinator names, the process that it is leaves.
 *
 * The client id mostly says so, but a static member keeps the client id of its first process when another one takes its
 * place (Kafka's `ClassicGroup.replaceStaticMember`), and members that share a client have one between them. The member id
 * is each one's own (KIP-345).
 */
import type { GroupMember, UnplacedEvent } from './schema.ts';

type Named = Pick<GroupMember, 'memberId' | 'clientId' | 'process'>;

/** The kinds of events that say who a member is. */
export const NAMING = ['wire-join', 'client-joined'] as const;

export class MemberProcesses {
  readonly #processes = new Map<string, string>();

  observe(event: UnplacedEvent): void {
    if ((event.kind === 'wire-join' || event.kind === 'client-joined') && event.memberId !== '')
      this.#processes.set(event.memberId, event.process);
  }

  processOf({ memberId, clientId, process }: Named): string {
    return this.#processes.get(memberId) ?? process ?? clientId;
  }
}
