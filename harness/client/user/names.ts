/**
 * Between the names that an application knows and those on the cluster: a topic or group enters, its other name leaves.
 * Where scenarios share a cluster, each has names of its own there, and the application is not to know.
 */
export class Names {
  readonly #real: ReadonlyMap<string, string>;
  readonly #own: ReadonlyMap<string, string>;

  /** @param real the real names, by those that the application knows */
  constructor(real: Readonly<Record<string, string>>) {
    this.#real = new Map(Object.entries(real));
    this.#own = new Map(Object.entries(real).map(([own, one]) => [one, own]));
  }

  /** On the cluster; a name that the scenario does not have is left as it is. */
  real(name: string): string {
    return this.#real.get(name) ?? name;
  }

  /** In the application. */
  own(name: string): string {
    return this.#own.get(name) ?? name;
  }

  /** Whether any name is another one on the cluster. */
  get differ(): boolean {
    return [...this.#real].some(([own, real]) => own !== real);
  }
}
