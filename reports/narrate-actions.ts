/**
 * What a scenario's actions do, told as something that happened: an action and which end of it enter; a sentence without a
 * full stop leaves, or null where another event says it better.
 */
import type { Action } from '../scenarios/schema.ts';
import { count, describeLink, describeQuotas, formatDuration } from './describe-event.ts';

/** At which of its two ends an action is told, where it has two. */
interface Told {
  readonly begin: string | null;
  readonly end: string | null;
}

const atOnce = (begin: string): Told => ({ begin, end: null });
const whenDone = (end: string): Told => ({ begin: null, end });
const NOT_TOLD: Told = { begin: null, end: null };

/** @param hit the members that it happens to: more than it names where several run in one process */
export const tellAction = (action: Action, phase: 'begin' | 'end', hit: readonly string[]): string | null =>
  tellingOf(action, hit)[phase];

function tellingOf(action: Action, hit: readonly string[]): Told {
  const forSoLong = 'durationMs' in action ? `for ${formatDuration(action.durationMs)}` : '';
  switch (action.kind) {
    case 'join':
    case 'crash':
    case 'crash-producer':
      // The start or the end of the process is the next event.
      return NOT_TOLD;
    case 'leave':
      return atOnce(`${action.member} was told to leave`);
    case 'twin':
      return atOnce(`${action.member} was started a second time while it ran`);
    case 'terminate':
      return atOnce(`${hit.join(' and ')} got SIGTERM`);
    case 'stall':
      return {
        begin: `${hit.join(' and ')} ${hit.length > 1 ? 'were' : 'was'} stalled ${forSoLong}`,
        end: `${hit.join(' and ')} went on`,
      };
    case 'seek':
      return atOnce(
        `the application in ${action.member} sought ${placeOf(action.offset)} of ${action.topic}-${action.partition}`,
      );
    case 'pause-partitions': {
      const what = `${action.topic}${action.partitions === null ? '' : `-${action.partitions.join(', ')}`}`;
      return {
        begin: `the application in ${action.member} paused ${what} ${forSoLong}`,
        end: `the application in ${action.member} resumed ${what}`,
      };
    }
    case 'stop-consumer':
      return {
        begin: `the application in ${action.member} stopped its consumer ${forSoLong}`,
        end: `the application in ${action.member} ran its consumer again`,
      };
    case 'commit':
      return atOnce(`the application in ${action.member} committed outside its handler`);
    case 'position':
      return atOnce(
        `the application in ${action.member} asked where it stood in ${action.topic}-${action.partition}`,
      );
    case 'committed':
      return atOnce(
        `the application in ${action.member} asked for the committed offset of ${action.topic}-${action.partition}`,
      );
    case 'crash-broker':
      return {
        begin: `broker ${action.broker} was killed, to be away ${forSoLong}`,
        end: `broker ${action.broker} served again`,
      };
    case 'restart-broker':
      return {
        begin: `broker ${action.broker} shut down, to be away ${forSoLong}`,
        end: `broker ${action.broker} served again`,
      };
    case 'pause-broker':
      return {
        begin: `broker ${action.broker} was frozen ${forSoLong}`,
        end: `broker ${action.broker} went on`,
      };
    case 'cut-link': {
      const direction = action.direction === 'both' ? '' : ` ${action.direction.replace('-', ' the ')} only`;
      const link = describeLink(action.link);
      return {
        begin: `${link} were cut off from each other${direction} ${forSoLong}`,
        end: `${link} reached each other again`,
      };
    }
    case 'slow-link': {
      const link = describeLink(action.link);
      return {
        begin: `the network between ${link} was slow ${forSoLong}`,
        end: `the network between ${link} was fast again`,
      };
    }
    case 'reset-link': {
      const link = describeLink(action.link);
      return atOnce(
        action.ending === 'reset'
          ? `the connections between ${link} were reset`
          : `the connections between ${link} were forgotten on one side`,
      );
    }
    case 'add-partitions':
      return whenDone(`${action.topic} was given ${count(action.partitions, 'partition')}`);
    case 'delete-records':
      return whenDone(`${action.percent} % of ${action.topic}-${action.partition} was deleted`);
    case 'compact-topic':
      return atOnce(`${action.topic} was compacted`);
    case 'delete-offsets':
      return whenDone(`the offsets of ${action.group} for ${action.topic} were deleted`);
    case 'alter-offsets':
      return whenDone(
        `an operator set the offset of ${action.group} in ${action.topic}-${action.partition} to ${action.offset}`,
      );
    case 'recreate-topic':
      return {
        begin: `${action.topic} was deleted, to be created again ${formatDuration(action.durationMs)} later`,
        end: `${action.topic} was there again`,
      };
    case 'answer-error': {
      const requests =
        action.times === 1
          ? `the next ${action.api} request`
          : `the next ${action.times} ${action.api} requests`;
      return atOnce(
        `${requests} of ${action.process ?? 'anybody'} ${action.times === 1 ? 'was' : 'were'} to get the answer ${action.error}`,
      );
    }
    case 'move-leader':
      return atOnce(`another broker became the leader of ${action.topic}-${action.partition}`);
    case 'move-coordinator':
      return atOnce(`another broker became the coordinator of ${action.group}`);
    case 'throttle-broker':
      return {
        begin: `broker ${action.broker} delayed each request by ${formatDuration(action.delayMs)} ${forSoLong}`,
        end: `broker ${action.broker} was fast again`,
      };
    case 'throttle-client': {
      const whom = action.process ?? 'every process';
      return {
        begin: `${whom} got a quota of ${describeQuotas(action.quotas)} ${forSoLong}`,
        end: `${whom} had no quota any more`,
      };
    }
    case 'isolate-brokers': {
      const brokers = `brokers ${action.brokers.join(' and ')}`;
      return {
        begin: `${brokers} were cut off from each other ${forSoLong}`,
        end: `${brokers} reached each other again`,
      };
    }
    case 'isolate-controller':
      return {
        begin: `broker ${action.broker} was cut off from the controller ${forSoLong}`,
        end: `broker ${action.broker} reached the controller again`,
      };
  }
}

const placeOf = (offset: number): string =>
  offset === -2 ? 'the beginning' : offset === -1 ? 'the end' : `offset ${offset}`;
