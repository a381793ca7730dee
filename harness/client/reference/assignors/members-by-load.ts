/**
 * Members by the number of their partitions, then by name (the TreeSet of AbstractStickyAssignor): members enter while
 * their number does not change, and leave in order, fewest first.
 */
import { compareNames } from './topic-partitions.ts';

export class MembersByLoad {
  readonly #loadOf: (memberId: string) => number;
  readonly #members: string[] = [];

  /** @param loadOf may change only for members that are not in here */
  constructor(loadOf: (memberId: string) => number) {
    this.#loadOf = loadOf;
  }

  get inOrder(): readonly string[] {
    return this.#members;
  }

  add(memberId: string): void {
    const load = this.#loadOf(memberId);
    const index = this.#members.findIndex(
      (other) => (this.#loadOf(other) - load || compareNames(other, memberId)) >= 0,
    );
    if (this.#members[index] === memberId) return;
    this.#members.splice(index < 0 ? this.#members.length : index, 0, memberId);
  }

  remove(memberId: string): void {
    const index = this.#members.indexOf(memberId);
    if (index >= 0) this.#members.splice(index, 1);
  }
}
