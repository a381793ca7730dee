/**
 * Whose CPU time it was: a CPU profile of V8 enters, the share of each part of the harness leaves. Time in Node.js
 * itself and in native code counts for whoever called it.
 */
import type { Profiler } from 'node:inspector';

export const parts = [
  /** The client on trial. */
  'client',
  /** The application and the adapter around the client. */
  'adapter',
  /** V8's own work on promises, nearly all of them of the two above: the cluster has none. */
  'promises',
  'wire tap',
  'cluster',
  /** Scheduler, network, and what stands in the place of Node.js' own modules. */
  'scheduler and network',
  'history and trace',
  'garbage collection',
  'other',
] as const;
export type Part = (typeof parts)[number];

export interface Share {
  readonly microseconds: number;
  /** Of everything, from 0 to 1. */
  readonly share: number;
}

/** The client's bundle: from which line on (0 is the first) the code is whose. */
export interface BundleSection {
  readonly line: number;
  readonly part: Part;
}

/** By path, the first that fits. */
const bundled: readonly (readonly [RegExp, Part])[] = [
  [/(^|\/)node_modules\//, 'client'],
  [/(^|\/)harness\/(client\/wire|cluster)\//, 'wire tap'],
  // The control is code of our own, and its application is beside it.
  [/(^|\/)harness\/client\/reference\/trial\//, 'adapter'],
  [/(^|\/)harness\/client\/reference\//, 'client'],
  [/(^|\/)harness\/client\//, 'adapter'],
];
const own: readonly (readonly [RegExp, Part | 'not counted'])[] = [
  // The profiler itself, whose beginning and end are in the profile.
  [/\/harness\/bench\//, 'not counted'],
  [/\/harness\/cluster\//, 'cluster'],
  [
    /\/harness\/(world\/simulated\/trace|world\/run-context|world\/drain|history\/\w+)\./,
    'history and trace',
  ],
  [/\/harness\/world\/simulated\//, 'scheduler and network'],
  [/^file:/, 'other'],
];

const partOf = <P>(path: string, table: readonly (readonly [RegExp, P])[]): P | null =>
  table.find(([pattern]) => pattern.test(path))?.[1] ?? null;

/** The bundler names each module's file in a comment before it. */
export function bundleSections(code: string): BundleSection[] {
  const sections: BundleSection[] = [];
  for (const [line, text] of code.split('\n').entries()) {
    const path = /^\/\/ (\S+\.(?:js|json|cjs|mjs))$/.exec(text)?.[1];
    const part = path === undefined ? null : partOf(path, bundled);
    if (part !== null) sections.push({ line, part });
  }
  return sections;
}

const outsideJavaScript: Readonly<Record<string, Part | 'not counted'>> = {
  '(garbage collector)': 'garbage collection',
  '(idle)': 'not counted',
  '(program)': 'other',
  '(root)': 'other',
  runMicrotasks: 'promises',
};

/** The parts that are the client on trial with everything that it set off itself. */
export const clientShare = (shares: Record<Part, Share>): number =>
  shares.client.share + shares.adapter.share + shares.promises.share;

/** @param bundle the sections of the bundle, and how its file's name ends */
export function attribute(
  profile: Profiler.Profile,
  bundle: { readonly file: string; readonly sections: readonly BundleSection[] },
): Record<Part, Share> {
  const parents = new Map<number, Profiler.ProfileNode>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node);

  const known = new Map<number, Part | 'not counted'>();
  const partOfNode = (node: Profiler.ProfileNode): Part | 'not counted' => {
    let part = known.get(node.id);
    if (part === undefined) {
      const parent = parents.get(node.id);
      part = partOfFrame(node.callFrame, bundle) ?? (parent === undefined ? 'other' : partOfNode(parent));
      known.set(node.id, part);
    }
    return part;
  };

  const microseconds = Object.fromEntries(parts.map((part) => [part, 0])) as Record<Part, number>;
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const part = partOfNode(nodes.get(id) as Profiler.ProfileNode);
    // The time since the sample before; negative where two clocks of the machine differ.
    if (part !== 'not counted') microseconds[part] += Math.max(0, profile.timeDeltas?.[index] ?? 0);
  }
  const all = parts.reduce((sum, part) => sum + microseconds[part], 0);
  return Object.fromEntries(
    parts.map((part) => [
      part,
      { microseconds: microseconds[part], share: all === 0 ? 0 : microseconds[part] / all },
    ]),
  ) as Record<Part, Share>;
}

/** Null for code that counts for its caller. */
function partOfFrame(
  { functionName, url, lineNumber }: Profiler.ProfileNode['callFrame'],
  { file, sections }: { readonly file: string; readonly sections: readonly BundleSection[] },
): Part | 'not counted' | null {
  if (url.endsWith(file)) return sections.findLast(({ line }) => line <= lineNumber)?.part ?? 'adapter';
  if (url === '') return outsideJavaScript[functionName] ?? null;
  return partOf(url, own);
}
