/**
 * Which handler call each record was processed in: deliveries and beginnings enter, the delivery behind every beginning
 * leaves. What is in a member's hand when it loses a partition was handed over before.
 */
import type { EventOf } from '../../harness/history/schema.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { Evidence } from './evidence.ts';
import { toOffset } from './values.ts';

const known = new WeakMap<Evidence, ReadonlyMap<number, EventOf<'delivery'>>>();

/** By the `seq` of `processing-begin`; a driver that announces no deliveries has none. */
export function handOversOf(evidence: Evidence): ReadonlyMap<number, EventOf<'delivery'>> {
  let handOvers = known.get(evidence);
  if (handOvers === undefined) {
    handOvers = index(evidence);
    known.set(evidence, handOvers);
  }
  return handOvers;
}

function index({ history }: Evidence): Map<number, EventOf<'delivery'>> {
  const handOvers = new Map<number, EventOf<'delivery'>>();
  const last = new Map<string, EventOf<'delivery'>>();
  for (const event of eventsOf(history, 'delivery', 'processing-begin')) {
    const place = `${event.process} ${event.group} ${event.topic}/${event.partition}`;
    if (event.kind === 'delivery') last.set(place, event);
    else {
      const delivery = last.get(place);
      if (delivery !== undefined) handOvers.set(event.seq, delivery);
    }
  }
  return handOvers;
}

const first = new WeakMap<Evidence, Map<string, Map<number, number>>>();

/** By group and partition (`billing orders/0`), then by offset: the `seq` of the first delivery. */
export function firstDeliveriesOf(evidence: Evidence): ReadonlyMap<string, ReadonlyMap<number, number>> {
  let deliveries = first.get(evidence);
  if (deliveries !== undefined) return deliveries;
  deliveries = new Map();
  first.set(evidence, deliveries);
  for (const event of eventsOf(evidence.history, 'delivery')) {
    const place = `${event.group} ${event.topic}/${event.partition}`;
    const ofPartition = deliveries.get(place) ?? new Map<number, number>();
    deliveries.set(place, ofPartition);
    for (const text of event.offsets) {
      const offset = toOffset(text);
      if (!ofPartition.has(offset)) ofPartition.set(offset, event.seq);
    }
  }
  return deliveries;
}

const drifts = new WeakMap<Scenario, ReadonlyMap<string, number>>();

/** How much faster than the others' a member's clock runs, by its id. */
function driftsOf(scenario: Scenario): ReadonlyMap<string, number> {
  let known = drifts.get(scenario);
  if (known === undefined) {
    const members = scenario.groups.flatMap((group) => group.members);
    known = new Map(members.map(({ id, clock }) => [id, (clock?.driftPerMillion ?? 0) / 1_000_000]));
    drifts.set(scenario, known);
  }
  return known;
}

/**
 * When the client gave the records to the application: a client with polls hands over many at once, which the
 * application then works on one by one. How long ago that was the member has measured on its own clock.
 */
export function handedOverAt(
  { process, time, sincePollMs = 0 }: EventOf<'delivery'>,
  scenario: Scenario,
): number {
  const drift = driftsOf(scenario).get(process.slice(0, process.lastIndexOf('.'))) ?? 0;
  return time - sincePollMs / (1 + drift);
}
