/** The simulated network against an echo server: order, cuts, resets, and what each end sees of them. */
import { describe, expect, it } from 'vitest';
import { type Acceptor, LAN, type LinkConditions, Network, type Receiver, type Sender } from './network.ts';
import { RandomStreams } from './random.ts';
import { type Owner, Scheduler } from './scheduler.ts';
import { label, Trace } from './trace.ts';

const kind = label('test');

/** Sends back what comes, and closes when the client does. */
class EchoServer implements Acceptor {
  readonly owner: Owner;
  listens = true;
  readonly seen: string[] = [];
  connections = 0;
  last: Sender | null = null;

  constructor(scheduler: Scheduler) {
    this.owner = scheduler.owner('broker-1');
  }

  accept(sender: Sender): Receiver {
    this.connections++;
    this.last = sender;
    return {
      data: (bytes) => sender.send(bytes),
      ended: () => {
        this.seen.push('end');
        sender.end();
      },
      failed: (error) => this.seen.push(error),
    };
  }
}

interface Setup {
  readonly seed?: number;
  readonly conditions?: Partial<LinkConditions>;
}

/** A client `m1` that keeps a diary. */
function setUp({ seed = 1, conditions = {} }: Setup = {}) {
  const trace = new Trace();
  const scheduler = new Scheduler({ trace });
  const network = new Network(scheduler, new RandomStreams(seed), { ...LAN, ...conditions });
  const server = new EchoServer(scheduler);
  network.attach(1, server);
  const owner = scheduler.owner('m1.1');
  const diary: { timeUs: number; what: string }[] = [];
  const pieces: Buffer[] = [];
  const note = (what: string) => diary.push({ timeUs: scheduler.nowUs, what });
  let sender: Sender | null = null;
  const at = (timeMs: number, run: () => void) =>
    scheduler.after(scheduler.harness, timeMs * 1_000 - scheduler.nowUs, kind, run);
  return {
    network,
    scheduler,
    server,
    owner,
    diary,
    pieces,
    trace,
    at,
    send: (text: string | Buffer) => sender?.send(typeof text === 'string' ? Buffer.from(text) : text),
    end: () => sender?.end(),
    reset: () => sender?.reset(),
    connect() {
      sender = network.connect(owner, 'm1', 1, {
        connected: () => note('connected'),
        data: (bytes) => {
          pieces.push(bytes);
          note(`data ${bytes.length}`);
        },
        ended: () => note('end'),
        failed: (error) => note(error),
      });
    },
    received: () => Buffer.concat(pieces).toString(),
    whats: () => diary.map(({ what }) => what.replace(/data .*/, 'data')),
    timeOf: (what: string) =>
      (diary.find((entry) => entry.what.startsWith(what))?.timeUs ?? Number.NaN) / 1_000,
    run: async (untilMs: number) =>
      await scheduler.run(async () => await new Promise<void>((resolve) => at(untilMs, resolve))),
  };
}

describe('Network', () => {
  it('delivers every byte in order, cut into pieces of any size, after the latency', async () => {
    const sizes = new Set<number>();
    for (let seed = 0; seed < 30; seed++) {
      const test = setUp({ seed });
      const sent: string[] = [];
      test.at(1, () => test.connect());
      for (let i = 0; i < 50; i++)
        test.at(5 + i * 0.2, () => {
          const text = `${i}:${'x'.repeat(i)};`;
          sent.push(text);
          test.send(text);
        });
      await test.run(100);
      expect(test.received()).toBe(sent.join(''));
      for (const { length } of test.pieces) sizes.add(length);
      expect(test.timeOf('connected')).toBeGreaterThan(1 + 0.3);
    }
    // 50 lengths were written; splits and merges make many more.
    expect(sizes.size).toBeGreaterThan(80);
  });

  it('cuts some writes into pieces, and joins some that follow each other closely', async () => {
    const counts = { cut: 0, joined: 0 };
    for (let seed = 0; seed < 30; seed++) {
      const far = setUp({ seed });
      far.at(1, () => far.connect());
      for (let i = 0; i < 20; i++) far.at(10 + i * 10, () => far.send('0123456789'));
      await far.run(500);
      counts.cut += far.pieces.filter(({ length }) => length < 10).length;
      const near = setUp({ seed });
      near.at(1, () => near.connect());
      for (let i = 0; i < 20; i++) near.at(10 + i * 0.01, () => near.send('0123456789'));
      await near.run(500);
      counts.joined += near.pieces.filter(({ length }) => length > 10).length;
    }
    expect(counts.cut).toBeGreaterThan(20);
    expect(counts.joined).toBeGreaterThan(20);
  });

  it('delivers what was written before the connection was there', async () => {
    const test = setUp();
    test.at(1, () => {
      test.connect();
      test.send('early');
    });
    await test.run(50);
    expect(test.received()).toBe('early');
  });

  it('does not see what the sender writes over its buffer afterwards', async () => {
    const test = setUp();
    const buffer = Buffer.from('before');
    test.at(1, () => test.connect());
    test.at(5, () => {
      test.send(buffer);
      buffer.write('after!');
    });
    await test.run(50);
    expect(test.received()).toBe('before');
  });

  it('refuses connections where nobody listens', async () => {
    const test = setUp();
    test.server.listens = false;
    test.at(1, () => test.connect());
    await test.run(50);
    expect(test.whats()).toEqual(['ECONNREFUSED']);
  });

  it.each(['to-broker', 'to-process'] as const)(
    'keeps what is sent into a cut %s until it is healed',
    async (direction) => {
      const test = setUp();
      test.at(1, () => test.connect());
      test.at(10, () => test.network.cut('m1', 1, direction));
      test.at(11, () => test.send('one '));
      test.at(12, () => test.send('two'));
      test.at(3_000, () => test.network.heal('m1', 1, direction));
      await test.run(5_000);
      expect(test.received()).toBe('one two');
      expect(test.timeOf('data')).toBeGreaterThan(3_000);
      expect(test.timeOf('data')).toBeLessThan(3_300);
    },
  );

  it('tries a connection into a cut again, as TCP does, and gives up after two minutes', async () => {
    const healed = setUp();
    healed.network.cut('m1', 1, 'to-broker');
    healed.at(1, () => healed.connect());
    healed.at(1_500, () => healed.network.heal('m1', 1, 'to-broker'));
    await healed.run(10_000);
    expect(healed.whats()).toEqual(['connected']);
    expect(healed.timeOf('connected')).toBeGreaterThan(3_000);
    const never = setUp();
    never.network.cut('m1', 1, 'to-process');
    never.at(1, () => never.connect());
    await never.run(200_000);
    expect(never.whats()).toEqual(['ETIMEDOUT']);
    expect(never.timeOf('ETIMEDOUT')).toBeCloseTo(63_000, -2);
  });

  it('closes in order, the last bytes first', async () => {
    const test = setUp();
    test.at(1, () => test.connect());
    test.at(5, () => {
      test.send('last words');
      test.end();
      test.send('not sent');
    });
    await test.run(50);
    expect(test.received()).toBe('last words');
    expect(test.whats().at(-1)).toBe('end');
    expect(test.server.seen).toEqual(['end']);
  });

  it('closes slowly where the link says so', async () => {
    const test = setUp({ conditions: { closeDelayUs: 2_000_000 } });
    test.at(1, () => test.connect());
    test.at(5, () => test.end());
    await test.run(10_000);
    expect(test.timeOf('end')).toBeGreaterThan(4_000);
  });

  it('resets both ends', async () => {
    const test = setUp();
    test.at(1, () => test.connect());
    test.at(5, () => test.network.reset('m1', 1));
    test.at(20, () => test.send('into the void'));
    await test.run(50);
    expect(test.whats()).toEqual(['connected', 'ECONNRESET']);
    expect(test.server.seen).toEqual(['ECONNRESET']);
  });

  it('leaves a half-open connection silent until the client writes', async () => {
    const test = setUp();
    test.at(1, () => test.connect());
    test.at(5, () => test.network.halfOpen('m1', 1));
    test.at(6, () => test.server.last?.send(Buffer.from('never arrives')));
    test.at(1_000, () => test.send('hello?'));
    await test.run(2_000);
    expect(test.whats()).toEqual(['connected', 'ECONNRESET']);
    expect(test.timeOf('ECONNRESET')).toBeGreaterThan(1_000);
  });

  it.each([
    ['fin', ['connected', 'end']],
    ['reset', ['connected', 'ECONNRESET']],
    ['silent', ['connected']],
  ] as const)('shows a lost broker as %s', async (ending, expected) => {
    const test = setUp();
    test.at(1, () => test.connect());
    test.at(5, () => {
      test.network.lost(1, ending);
      test.scheduler.drop(test.server.owner);
      test.server.listens = false;
    });
    await test.run(1_000);
    expect(test.whats()).toEqual(expected);
  });

  it('tells the broker that a process is gone', async () => {
    for (const [ending, seen] of [
      ['fin', 'end'],
      ['reset', 'ECONNRESET'],
    ] as const) {
      const test = setUp();
      test.at(1, () => test.connect());
      test.at(5, () => {
        test.scheduler.drop(test.owner);
        test.network.gone(test.owner, ending);
      });
      await test.run(50);
      expect(test.server.seen).toEqual([seen]);
    }
  });

  it('accepts connections for a broker that is stopped, and answers when it goes on', async () => {
    const test = setUp();
    test.scheduler.hold(test.server.owner);
    test.at(1, () => test.connect());
    test.at(5, () => test.send('anyone?'));
    test.at(500, () => test.scheduler.release(test.server.owner, new RandomStreams(1).of('release')));
    await test.run(1_000);
    expect(test.timeOf('connected')).toBeLessThan(5);
    expect(test.timeOf('data')).toBeGreaterThan(500);
    expect(test.received()).toBe('anyone?');
  });

  it('holds bytes for a process that is stopped', async () => {
    const test = setUp();
    test.at(1, () => test.connect());
    test.at(5, () => test.send('for later'));
    test.at(5.1, () => test.scheduler.hold(test.owner));
    test.at(500, () => test.scheduler.release(test.owner, new RandomStreams(1).of('release')));
    await test.run(1_000);
    expect(test.timeOf('data')).toBe(500);
  });

  it('takes as long as the bandwidth says', async () => {
    const test = setUp({ conditions: { bytesPerSecond: 1_000 } });
    test.at(1, () => test.connect());
    test.at(5, () => test.send(Buffer.alloc(500)));
    await test.run(5_000);
    expect(test.diary.at(-1)?.timeUs).toBeGreaterThan(1_000_000);
  });

  it('loses nothing where segments are lost, but time', async () => {
    const test = setUp({ conditions: { lossPerThousand: 300 } });
    test.at(1, () => test.connect());
    let sent = '';
    for (let i = 0; i < 40; i++)
      test.at(2_000 + i * 10, () => {
        sent += `${i};`;
        test.send(`${i};`);
      });
    await test.run(20_000);
    expect(test.received()).toBe(sent);
    expect(test.diary.at(-1)?.timeUs).toBeGreaterThan(2_500_000);
  });
});
