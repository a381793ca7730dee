/** What a working command says: sentences and progress enter, standard error gets them, one never over the other. */
import { ProgressDisplay, type ProgressState, shouldUseColor } from '../../reports/terminal.ts';

type Stream = NodeJS.WriteStream;

export const colorOf = (stream: Stream): boolean => shouldUseColor(stream, process.env);

export class Output {
  readonly #stream: Stream;
  readonly #display: ProgressDisplay;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#display = new ProgressDisplay(stream, { color: colorOf(stream), now: () => performance.now() });
  }

  /** A sentence on a line of its own. */
  say(sentence: string): void {
    this.#display.clear();
    this.#stream.write(`${sentence}\n`);
  }

  progress(state: ProgressState): void {
    this.#display.update(state);
  }

  /** Where a command stands that runs no scenarios one after the other. */
  status(line: string): void {
    this.#display.show(line);
  }

  /** Before standard output gets the result. */
  end(): void {
    this.#display.clear();
  }
}
