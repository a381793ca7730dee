/**
 * Colours and patterns: the number of a member enters, names of fills and the definitions behind them leave. The
 * colours are Paul Tol's light scheme, which colour-blind readers can tell apart; the pattern says the same again.
 */
import type { JSX } from 'preact';

export const COLORS = 8;
const PATTERNS = 8;
/** Colour and pattern together tell this many members apart, which is more than a scenario's groups mostly have. */
const STYLES = COLORS * PATTERNS;

export const styleOf = (member: number): number => member % STYLES;
const colorOf = (style: number): number => style % COLORS;
/** The first members already differ in both; each further round of colours shifts the patterns by one. */
const patternOf = (style: number): number => (style + Math.floor(style / COLORS)) % PATTERNS;

export const fillOf = (member: number): string => `url(#f${styleOf(member)})`;
export const inkClassOf = (member: number): string => `i${colorOf(styleOf(member))}`;

const patternShapes = [
  '',
  'M0 8L8 0M-2 2L2 -2M6 10L10 6',
  'M0 0L8 8M-2 6L2 10M6 -2L10 2',
  'M1 2h2M5 6h2',
  'M0 2h8M0 6h8',
  'M2 0v8M6 0v8',
  'M0 4h8M4 0v8',
  'M0 4l2 -3l2 3l2 -3l2 3',
];

/** Definitions for members 0 to count - 1 and for the states; once per document. */
export function PatternDefinitions({ count }: { readonly count: number }): JSX.Element {
  const styles = Array.from({ length: Math.min(count, STYLES) }, (_, index) => index);
  return (
    <svg class="definitions" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        {styles.map((style) => (
          <pattern key={style} id={`f${style}`} width="8" height="8" patternUnits="userSpaceOnUse">
            <rect width="8" height="8" class={`c${colorOf(style)}`} />
            {patternShapes[patternOf(style)] === '' ? null : (
              <path d={patternShapes[patternOf(style)]} class="ink" />
            )}
          </pattern>
        ))}
        <pattern id="rebalance" width="5" height="5" patternUnits="userSpaceOnUse">
          <circle cx="1.5" cy="1.5" r="0.9" class="dot" />
        </pattern>
        <pattern id="dead" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M0 0L6 6M0 6L6 0" class="cross" />
        </pattern>
        <pattern id="stalled" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M1.5 0v6M4.5 0v6" class="cross" />
        </pattern>
        <pattern id="joining" width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M0 6L6 0" class="cross" />
        </pattern>
      </defs>
    </svg>
  );
}
