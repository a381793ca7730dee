/** What the marks of the swim-lanes mean: nothing enters, a list of samples with words leaves. */
import type { JSX } from 'preact';
import { fillOf } from './palette.tsx';

const samples: readonly [words: string, sample: JSX.Element][] = [
  [
    'owner (colour and pattern of the member)',
    <rect key="s" y="2" width="26" height="12" fill={fillOf(0)} />,
  ],
  [
    'owner dead',
    <g key="s" class="dead">
      <rect y="2" width="26" height="12" fill={fillOf(0)} class="band" />
      <rect y="2" width="26" height="12" fill="url(#dead)" class="veil" />
    </g>,
  ],
  [
    'owner stalled',
    <g key="s" class="stalled">
      <rect y="2" width="26" height="12" fill={fillOf(0)} class="band" />
      <rect y="2" width="26" height="12" fill="url(#stalled)" class="veil" />
    </g>,
  ],
  [
    'member joining',
    <g key="s" class="joining">
      <rect y="2" width="26" height="12" fill={fillOf(0)} class="pale" />
      <rect y="2" width="26" height="12" class="state" />
    </g>,
  ],
  ['rebalance', <rect key="s" y="2" width="26" height="12" class="gap" />],
  ['no owner', <rect key="s" x="1" y="3" width="24" height="10" class="unowned" />],
  ['two owners', <rect key="s" x="2" y="3" width="22" height="10" class="overlap" />],
  ['delivery', <path key="s" d="M4 5v6M10 5v6M16 5v6" class="delivery" />],
  ['processing', <path key="s" d="M0 6h10v5H0zM14 6h8v5h-8z" class="i0" />],
  ['processed again (lower row)', <path key="s" d="M0 10h10v5H0zM14 10h8v5h-8z" class="i0" />],
  ['processed by a member that is not the owner', <path key="s" d="M2 6h20v5H2z" class="i0 foreign" />],
  ['commit accepted', <path key="s" d="M8 5l4 6h-8z" class="commit" />],
  [
    'commit refused or removed',
    <g key="s" class="refused">
      <path d="M6 4l8 8m0 -8l-8 8" />
    </g>,
  ],
  [
    'killed',
    <g key="s" class="killed">
      <path d="M4 3l10 10m0 -10l-10 10" />
    </g>,
  ],
  [
    'generation',
    <g key="s" class="generation">
      <path d="M8 1v14" />
    </g>,
  ],
  [
    'fault',
    <g key="s" class="faults">
      <path d="M8 1v14" class="line" />
    </g>,
  ],
  [
    'all faults over, settled',
    <g key="s" class="faults">
      <g class="moment">
        <path d="M8 1v14" class="line" />
      </g>
    </g>,
  ],
];

export const Legend = (): JSX.Element => (
  <ul class="legend">
    {samples.map(([words, sample]) => (
      <li key={words}>
        <svg width="26" height="16" aria-hidden="true">
          {sample}
        </svg>
        {words}
      </li>
    ))}
  </ul>
);
