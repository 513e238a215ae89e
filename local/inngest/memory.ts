import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Calls after which there is enough garbage to be worth a collection. */
const CALLS = 1000;
const QUIET_MS = 1000;

type Collect = (options: { type: "major"; flavor: "last-resort" }) => void;

/**
 * Gives memory back after a burst of work. V8 lets the heap grow while there is work and does not shrink it when there
 * is none, so an engine that once ran ten thousand runs would hold twice the memory for the rest of the day.
 */
export class Memory {
  readonly #collect: Collect;
  #calls = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    setFlagsFromString("--expose-gc");
    this.#collect = runInNewContext("gc") as Collect;
  }

  /** Work begins. */
  busy(): void {
    this.#calls++;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** There is none under way: after a quiet second its garbage goes. */
  idle(): void {
    if (this.#calls < CALLS || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#calls = 0;
      this.#collect({ type: "major", flavor: "last-resort" });
    }, QUIET_MS).unref();
  }
}
