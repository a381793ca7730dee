/**
 * The nodes as voters of the controllers' quorum (KRaft): which of them run, are frozen or cut off from each other enters, and
 * whether there is an active controller, and who reaches it, leaves.
 *
 * The active controller decides nothing without a majority of all voters that fetch from it. Where it has lost that, it
 * resigns after a while, and where it is gone itself, the others wait for it a while; then one is elected that a majority
 * reaches. A node that has lost touch while the others have not does not disturb them (KIP-996). Votes and their epochs are
 * not modelled: who wins is drawn, and how long it takes.
 */
import type { Cancel } from './environment.ts';
import type { ClusterSettings, DelayRange } from './settings.ts';

export interface QuorumHost {
  readonly nodeIds: readonly number[];
  /** Whether nothing passes between two nodes. */
  isCut(left: number, right: number): boolean;
  nowMs(): number;
  after(delayMs: number, callback: () => void): Cancel;
  draw(purpose: string, range: DelayRange): number;
  drawNode(ids: readonly number[]): number;
  /** Whom the active controller takes for gone by now. */
  expired(): readonly number[];
  /** Nothing is decided from now on. */
  suspended(): void;
  /**
   * There is an active controller again.
   *
   * @param isAnother elected, rather than the one from before
   * @param fenced brokers whose end it finds in its log
   */
  resumed(isAnother: boolean, fenced: readonly number[]): void;
  /** Who reaches the controller may have changed. */
  reachChanged(): void;
}

type Timings = Pick<
  ClusterSettings,
  'controllerElectionDelay' | 'controllerResignationDelay' | 'controllerVoteDelay'
>;

interface Waiting {
  readonly node: number;
  readonly act: () => void;
}

export class ControllerQuorum {
  readonly #host: QuorumHost;
  readonly #timings: Timings;
  readonly #running: Set<number>;
  readonly #frozen = new Set<number>();
  /** The node of the active controller; undefined until it matters which one it is, null while there is none. */
  #leader: number | null | undefined;
  #isActive = true;
  #resignation: Cancel | null = null;
  #election: Cancel | null = null;
  /** Until then those who have lost their controller wait for it. */
  #electionFromMs = 0;
  /** What a controller has written and could not commit: it counts where that one is elected again, whose log is the longest. */
  #uncommitted: { readonly node: number; readonly fenced: readonly number[] } | null = null;
  #waiting: Waiting[] = [];

  constructor(host: QuorumHost, timings: Timings) {
    this.#host = host;
    this.#timings = timings;
    this.#running = new Set(host.nodeIds);
  }

  /** Where an election takes no time the controllers are nodes of their own, and a node alone takes its controller with it. */
  get #isModelled(): boolean {
    return this.#host.nodeIds.length > 1 && this.#timings.controllerElectionDelay.maxMs > 0;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  /** Whether the node's requests get to an active controller, and its decisions to the node. */
  reaches(node: number): boolean {
    return this.#isActive && !this.isCutOff(node);
  }

  /** Whether nothing passes between the node and that of the controller, active or not. */
  isCutOff(node: number): boolean {
    return typeof this.#leader === 'number' && this.#host.isCut(this.#leader, node);
  }

  /** Acts at once, or as soon as the node reaches an active controller. */
  whenReached(node: number, act: () => void): void {
    if (this.reaches(node)) act();
    else this.#waiting.push({ node, act });
  }

  // What becomes of nodes

  /** The node's controller takes part again. */
  joined(node: number): void {
    this.#running.add(node);
    this.#assess();
  }

  /** The node's process has ended. One that ends in good order hands over (EndQuorumEpoch), others are waited for. */
  left(node: number, isOrderly: boolean): void {
    if (!this.#isModelled) return;
    this.#settleLeader();
    const handsOver = this.#leader === node && this.#isActive && isOrderly;
    if (this.#leader === node) this.#resign();
    this.#running.delete(node);
    this.#frozen.delete(node);
    if (handsOver) {
      this.#suspend(0);
      this.#elect();
    }
    this.#assess();
  }

  froze(node: number): void {
    if (!this.#isModelled) return;
    this.#settleLeader();
    this.#frozen.add(node);
    this.#assess();
  }

  thawed(node: number): void {
    this.#frozen.delete(node);
    this.#assess();
  }

  /** Nodes have been cut off from each other, or reach each other again. */
  cutChanged(): void {
    if (!this.#isModelled) return;
    this.#settleLeader();
    this.#assess();
  }

  #settleLeader(): void {
    if (this.#leader === undefined) this.#leader = this.#host.drawNode(this.#host.nodeIds);
  }

  // Terms

  /** Whether a majority of all nodes would fetch from this one. */
  #canLead(node: number): boolean {
    if (!this.#takesPart(node)) return false;
    const reached = this.#host.nodeIds.filter(
      (other) => this.#takesPart(other) && (other === node || !this.#host.isCut(node, other)),
    );
    return reached.length > this.#host.nodeIds.length / 2;
  }

  #takesPart(node: number): boolean {
    return this.#running.has(node) && !this.#frozen.has(node);
  }

  #candidates(): number[] {
    return this.#host.nodeIds.filter((node) => node !== this.#leader && this.#canLead(node));
  }

  #assess(): void {
    if (!this.#isModelled || this.#leader === undefined) return;
    if (this.#leader !== null && this.#canLead(this.#leader)) {
      if (!this.#isActive) this.#activate(false);
    } else {
      if (this.#isActive)
        this.#suspend(this.#host.draw('controller-election', this.#timings.controllerElectionDelay));
      this.#callElection();
    }
    this.#host.reachChanged();
    this.#flush();
  }

  #suspend(waitMs: number): void {
    this.#isActive = false;
    this.#electionFromMs = this.#host.nowMs() + waitMs;
    this.#host.suspended();
    if (this.#leader === null) return;
    const delayMs = this.#host.draw('controller-resignation', this.#timings.controllerResignationDelay);
    this.#resignation = this.#host.after(delayMs, () => {
      this.#resign();
      this.#assess();
    });
  }

  #callElection(): void {
    if (this.#candidates().length === 0) {
      this.#election?.();
      this.#election = null;
    } else if (this.#election === null) {
      const voteMs = this.#host.draw('controller-vote', this.#timings.controllerVoteDelay);
      const delayMs = Math.max(this.#electionFromMs - this.#host.nowMs(), voteMs);
      this.#election = this.#host.after(delayMs, () => {
        this.#elect();
        this.#assess();
      });
    }
  }

  /** What it has decided and got no majority for stays in its log; frozen, it decides nothing. */
  #resign(): void {
    const node = this.#leader as number;
    if (!this.#isActive)
      this.#uncommitted = { node, fenced: this.#frozen.has(node) ? [] : this.#host.expired() };
    this.#leader = null;
    this.#resignation?.();
    this.#resignation = null;
  }

  #elect(): void {
    const candidates = this.#candidates();
    if (candidates.length === 0) return;
    const { node, fenced } = this.#uncommitted ?? { node: null, fenced: [] };
    const isAgain = node !== null && candidates.includes(node);
    this.#leader = isAgain ? node : this.#host.drawNode(candidates);
    this.#uncommitted = null;
    this.#activate(true, isAgain ? fenced : []);
  }

  #activate(isAnother: boolean, fenced: readonly number[] = []): void {
    for (const cancel of [this.#election, this.#resignation]) cancel?.();
    this.#election = null;
    this.#resignation = null;
    this.#isActive = true;
    this.#host.resumed(isAnother, fenced);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { node, act } of waiting) this.whenReached(node, act);
  }
}
