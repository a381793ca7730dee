/** Whose CPU time it was, on a profile of the kind that V8 gives, and on the sections of a bundle. */
import type { Profiler } from 'node:inspector';
import { describe, expect, it } from 'vitest';
import { attribute, bundleSections, clientShare } from './attribution.ts';
import { profiled } from './profiler.ts';

const FILE = '/dist/simulated/kafkajs.cjs';
const code = [
  '"use strict";',
  '// node_modules/kafkajs/src/index.js',
  'client();',
  '// dist/harness/client/wire/tap.js',
  'tap();',
  '// dist/harness/cluster/protocol/codec.js',
  'codec();',
  '// a comment of somebody',
  '// dist/harness/client/kafkajs/member.js',
  'adapter();',
].join('\n');
const sections = bundleSections(code);

/** A frame, and what it calls. */
interface Frame {
  readonly name: string;
  readonly url?: string;
  readonly line?: number;
  readonly microseconds?: number;
  readonly calls?: readonly Frame[];
}

function profileOf(root: Frame): Profiler.Profile {
  const nodes: Profiler.ProfileNode[] = [];
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  const add = ({ name, url = '', line = 0, microseconds = 0, calls = [] }: Frame): number => {
    const id = nodes.length + 1;
    const callFrame = { functionName: name, scriptId: '1', url, lineNumber: line, columnNumber: 0 };
    const node: Profiler.ProfileNode = { id, callFrame, children: [] };
    nodes.push(node);
    samples.push(id);
    timeDeltas.push(microseconds);
    node.children = calls.map(add);
    return id;
  };
  add(root);
  return { nodes, samples, timeDeltas, startTime: 0, endTime: 0 };
}

const bundle = `/x${FILE}`;
const own = 'file:///x/dist/harness';

describe('attribution', () => {
  it('finds the modules of a bundle by the comments before them', () => {
    expect(sections).toEqual([
      { line: 1, part: 'client' },
      { line: 3, part: 'wire tap' },
      { line: 5, part: 'wire tap' },
      { line: 8, part: 'adapter' },
    ]);
  });

  it('gives each part the time of its own code, and what has no part to its caller', () => {
    const shares = attribute(
      profileOf({
        name: '(root)',
        calls: [
          { name: '(idle)', microseconds: 5_000 },
          { name: '(garbage collector)', microseconds: 100 },
          {
            name: '#step',
            url: `${own}/world/simulated/scheduler.js`,
            microseconds: 10,
            calls: [
              {
                name: 'receive',
                url: `${own}/cluster/broker-connection.js`,
                microseconds: 20,
                calls: [{ name: 'alloc', url: 'node:buffer', microseconds: 7 }],
              },
              {
                name: 'runMicrotasks',
                microseconds: 3,
                calls: [
                  {
                    name: 'send',
                    url: bundle,
                    line: 2,
                    microseconds: 200,
                    calls: [{ name: 'copy', microseconds: 50 }],
                  },
                  { name: 'observe', url: bundle, line: 4, microseconds: 30 },
                  { name: 'read', url: bundle, line: 6, microseconds: 40 },
                  { name: 'handle', url: bundle, line: 9, microseconds: 60 },
                ],
              },
              { name: 'add', url: `${own}/world/simulated/trace.js`, microseconds: 80 },
              {
                name: 'post',
                url: `${own}/bench/profiler.js`,
                calls: [{ name: 'dispatch', microseconds: 70 }],
              },
              { name: 'check', url: 'file:///x/dist/properties/index.js', microseconds: 400 },
            ],
          },
        ],
      }),
      { file: FILE, sections },
    );
    expect(Object.fromEntries(Object.entries(shares).map(([part, one]) => [part, one.microseconds]))).toEqual(
      {
        client: 250,
        adapter: 60,
        promises: 3,
        'wire tap': 70,
        cluster: 27,
        'scheduler and network': 10,
        'history and trace': 80,
        'garbage collection': 100,
        other: 400,
      },
    );
    expect(shares['wire tap'].share).toBeCloseTo(70 / 1_000);
    expect(clientShare(shares)).toBeCloseTo(313 / 1_000);
  });

  it('understands what V8 gives', async () => {
    const profile = await profiled(async () => {
      // For long enough that the sampler has looked, however fast the machine is or busy with others.
      const startUs = process.cpuUsage().user;
      let sum = 0;
      do for (let i = 0; i < 100_000; i++) sum += Math.sqrt(i);
      while (process.cpuUsage().user - startUs < 100_000);
      expect(sum).toBeGreaterThan(0);
    });
    const shares = attribute(profile, { file: FILE, sections });
    expect(Object.values(shares).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(shares.client.microseconds).toBe(0);
  });
});
