/** What the picture draws for a timeline made by hand. */
import { render } from 'preact-render-to-string';
import { expect, test } from 'vitest';
import { type Marker, SwimLane } from './swim-lane.tsx';
import type { Fault, OwnershipSpan, Timeline } from './timeline.ts';

const fault = (more: Partial<Fault>): Fault => ({
  fromMs: 0,
  toMs: 0,
  action: 0,
  label: 'crash a',
  text: 'crash of a',
  lasting: false,
  skipped: false,
  group: null,
  severity: 'fault',
  ...more,
});
const owned = (fromMs: number, toMs: number, ...names: string[]): OwnershipSpan => ({
  fromMs,
  toMs,
  kind: names.length === 0 ? 'none' : 'owned',
  owners: names.map((process) => ({ process, condition: 'alive' })),
  generation: 1,
});
const timelineWith = (ownership: OwnershipSpan[], faults: Fault[] = []): Timeline => ({
  fromMs: 0,
  toMs: 1_030,
  healMs: null,
  settledMs: null,
  faults,
  groups: [
    {
      group: 'billing',
      generations: [],
      rebalances: [],
      partitions: [{ topic: 't', partition: 0, ownership, deliveries: [], work: [], commits: [] }],
      members: [
        {
          member: 'billing-m1',
          spans: [{ fromMs: 0, toMs: 1_030, state: 'owning', process: 'billing-m1.1' }],
          exits: [],
        },
      ],
    },
  ],
});
const draw = (timeline: Timeline, markers: Marker[] = []): string =>
  render(<SwimLane timeline={timeline} markers={markers} label="test" />);

test('a band leaves out what the group says already, its tool tip does not', () => {
  const svg = draw(timelineWith([owned(0, 500, 'billing-m1.1')]));
  expect(svg).toContain('class="band-text owner">m1.1</text>');
  expect(svg).toContain('<title>0.00 s to 0.50 s: billing-m1.1, generation 1</title>');
});

test('no owner and two owners are said in words, not only drawn', () => {
  const svg = draw(timelineWith([owned(0, 500), owned(500, 1_000, 'billing-m1.1', 'other.1')]));
  expect(svg).toContain('class="band-text alarm">no owner</text>');
  expect(svg).toContain('class="band-text alarm">2 owners: m1.1 and other.1</text>');
  expect(svg.match(/class="unowned"/g)).toHaveLength(1);
  expect(svg.match(/class="overlap"/g)).toHaveLength(1);
});

test('words that have no room are shortened, then left out', () => {
  expect(draw(timelineWith([owned(0, 60, 'a-long-process-name.1')]))).toContain(
    'class="band-text owner">a-lon….1</text>',
  );
  expect(draw(timelineWith([owned(0, 20, 'a-long-process-name.1')]))).not.toContain('band-text owner">a');
});

test('faults at the same time get rows of their own, a long one carries its words', () => {
  const faults = [
    fault({ action: 0 }),
    fault({ action: 1, fromMs: 1, toMs: 1 }),
    fault({ action: 2, fromMs: 300, toMs: 900, lasting: true, label: 'pause broker 1' }),
    fault({ action: 3, fromMs: 1_029, toMs: 1_029 }),
  ];
  const svg = draw(timelineWith([], faults));
  const texts = [
    ...svg.matchAll(/<text x="([\d.-]+)" y="(\d+)" text-anchor="(\w+)" class="(inside|beside)">/g),
  ].map(([, x, y, anchor, place]) => `${x} ${y} ${anchor} ${place}`);
  expect(texts).toEqual([
    '5 36 start beside',
    '6 53 start beside',
    '305 36 start inside',
    '1024 36 end beside',
  ]);
  // Only what concerns everything is shaded all the way down.
  expect(svg.match(/class="shade"/g)).toHaveLength(1);
  expect(
    draw(
      timelineWith(
        [],
        faults.map((one) => ({ ...one, group: 'billing' })),
      ),
    ),
  ).not.toContain('class="shade"');
});

test('pins at the same place stand side by side', () => {
  const marker = (number: number): Marker => ({
    id: `e${number}`,
    href: '#x',
    number,
    kind: 'illegal',
    timeMs: 600,
    lane: { kind: 'partition', group: 'billing', topic: 't', partition: 0 },
    text: 'marker',
  });
  const svg = draw(timelineWith([]), [marker(1), marker(2), marker(3), { ...marker(4), timeMs: 3 }]);
  const centers = [...svg.matchAll(/<circle cx="([\d.-]+)"/g)].map(([, x]) => Number(x));
  expect(centers).toEqual([588, 572, 556, 15]);
  // Where there is no more room near the moment, the line and its link stand there without a number.
  const crowd = Array.from({ length: 60 }, (_, number) => ({ ...marker(number), id: `c${number}` }));
  const crowded = draw(timelineWith([]), crowd);
  expect([...crowded.matchAll(/<circle cx="([\d.-]+)"/g)].map(([, x]) => Number(x))).toEqual([
    588, 572, 556, 612, 628, 644,
  ]);
  expect(crowded.match(/class="guide"/g)).toHaveLength(60);
});

test('hostile names stay text', () => {
  const timeline = timelineWith(
    [owned(0, 500, '<script>.1')],
    [fault({ label: '<b>"&', text: '"><img src=x>' })],
  );
  const svg = draw({
    ...timeline,
    groups: timeline.groups.map((group) => ({ ...group, group: '</svg><script>' })),
  });
  expect(svg).not.toMatch(/<(script|img|b)\b/);
});
