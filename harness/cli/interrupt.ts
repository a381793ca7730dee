/** Turns the signals that ask a command to end into an AbortSignal, so that every ending cleans up. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Listens for Ctrl-C and its kin until disposed.
 * @param say tells the person that the first one was heard, since cleaning up takes a few seconds
 */
export function listenForInterruption(say: (sentence: string) => void): Interruption {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    say(
      controller.signal.aborted
        ? 'Still cleaning up: containers and processes are being removed.'
        : 'Ending: keeping what was found, removing containers and processes.',
    );
    controller.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
