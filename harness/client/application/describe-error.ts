/** Any thrown value enters, one line for the history leaves: its name, its message and the causes behind it. */

interface ErrorLike {
  name?: unknown;
  message?: unknown;
  cause?: unknown;
}

const DEPTH_MAX = 5;

/** The error and what caused it, outermost first. */
export function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let current = error;
  while (current !== undefined && current !== null && chain.length < DEPTH_MAX && !chain.includes(current)) {
    chain.push(current);
    current = typeof current === 'object' ? (current as ErrorLike).cause : undefined;
  }
  return chain;
}

const describeOne = (error: unknown): string => {
  if (typeof error !== 'object' || error === null) return String(error);
  const { name, message } = error as ErrorLike;
  return (
    [name, message].filter((part) => typeof part === 'string' && part !== '').join(': ') || 'unnamed error'
  );
};

export const describeError = (error: unknown): string =>
  [...new Set(causes(error).map(describeOne))].join(' <- ').replace(/\s+/g, ' ') || String(error);
