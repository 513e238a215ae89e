import type { Pass } from "./http-gate.ts";

/** The two moments of a boundary: what is about to happen, and it has happened and nobody in the app knows yet. */
export type When = "before" | "after";

/** A point of the protocol as one run crosses it: its name, and the how-manieth of that name. */
export interface Boundary {
  readonly label: string;
  /** From 1. */
  readonly nth: number;
  /** The moments that came, of those at which it can be interfered with: a call that hangs has no "after". */
  readonly moments: readonly When[];
}

/** Springs once, at one moment of one boundary. */
export interface Trap {
  readonly label: string;
  readonly nth: number;
  readonly when: When;
  /** Told which app process came there. Resolves to whether it may go on; false cuts it off. */
  spring(worker: string): Promise<Pass>;
}

export interface Crossing {
  before(): Promise<Pass>;
  after(): Promise<Pass>;
}

/** Everything that the apps of a lane do to the world goes through here, in the order in which it happens. */
export class Boundaries {
  #crossed: (Boundary & { moments: When[] })[] = [];
  #crossings = new Map<string, number>();
  #counts = new Map<string, number>();
  #trap: Trap | undefined;

  /** Forgets what was crossed and sets the trap, if there is one, for what comes now. */
  begin(trap?: Trap): void {
    this.#crossed = [];
    this.#counts = new Map();
    this.#crossings = new Map();
    this.#trap = trap;
  }

  /** What was crossed since {@link begin}, in order. */
  get crossed(): readonly Boundary[] {
    return this.#crossed;
  }

  /** Whether the trap is still waiting. */
  get armed(): boolean {
    return this.#trap !== undefined;
  }

  /** How often others than this app process crossed something. */
  byOthers(worker: string): number {
    return [...this.#crossings].reduce((sum, [name, n]) => sum + (name === worker ? 0 : n), 0);
  }

  cross(label: string, worker: string, moments: readonly When[] = ["before", "after"]): Crossing {
    const nth = (this.#counts.get(label) ?? 0) + 1;
    this.#counts.set(label, nth);
    const boundary = { label, nth, moments: [] as When[] };
    this.#crossed.push(boundary);
    this.#crossings.set(worker, (this.#crossings.get(worker) ?? 0) + 1);
    const pass = async (when: When) => {
      if (moments.includes(when)) boundary.moments.push(when);
      const trap = this.#trap;
      if (trap?.label !== label || trap.nth !== nth || trap.when !== when) return true;
      this.#trap = undefined;
      return await trap.spring(worker);
    };
    return { before: () => pass("before"), after: () => pass("after") };
  }
}
