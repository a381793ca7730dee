/**
 * The main file of a worker thread: plans enter as messages, one at a time, each is run in a simulated world of this
 * thread and judged, and what it came to leaves as a message. The client's bundle is loaded with the first of them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { catalogue } from '../../properties/index.ts';
import { adoptBuilds } from '../subject/builds.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { LOG_BYTES_MAX } from './log-limit.ts';
import { type Answer, packError, packRan, type ThreadTask } from './thread-messages.ts';
import { type Plan, runUnit } from './unit.ts';

const port = parentPort;
if (port === null) throw new Error('this file is the main file of a worker thread');

const { subject, properties: ids, measures = false, build } = workerData as ThreadTask;
adoptBuilds([build]);
const properties = catalogue.filter(({ id }) => ids.includes(id));
/** What the clients of the unit in hand wrote, as far as it can fit into the run's log. */
let log: [origin: string, line: string][] = [];
let logBytes = 0;
const world = new SimulatedWorld({
  onLog(origin, line) {
    if (logBytes > LOG_BYTES_MAX) return;
    logBytes += Buffer.byteLength(line);
    log.push([origin, line]);
  },
});
// The thread is ended from outside: a simulated run holds nothing that would have to be cleaned up.
const { signal } = new AbortController();

port.on('message', (plan: Plan) => {
  log = [];
  logBytes = 0;
  runUnit(plan, { world, subject, properties, measures }, signal).then(
    (ran) => {
      const packed = packRan(measures ? { ...ran, history: null } : ran, log);
      const answer: Answer = { ran: packed };
      port.postMessage(answer, packed.history === null ? [] : [packed.history.buffer as ArrayBuffer]);
    },
    (error: unknown) => {
      const answer: Answer = { error: packError(error) };
      port.postMessage(answer);
    },
  );
});
