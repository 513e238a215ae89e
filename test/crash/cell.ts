import { setTimeout as sleep } from "node:timers/promises";
import type { Boundary, When } from "./boundaries.ts";
import type { Pass } from "./http-gate.ts";
import type { Kind } from "./kinds.ts";
import type { Lane } from "./lane.ts";
import { verdict } from "./verdict.ts";

/** A way in which the target fails, as its `PUT /_faults` takes it. */
export interface TargetFault {
  readonly fault: string;
  readonly times?: number;
  readonly ms?: number;
  readonly on?: "create" | "read" | "any";
}

/**
 * What is done to the app at the trap. `kill`: SIGKILL, and the other process takes over. `hold`: it stands still there while
 * the other process is given the same work, and goes on later as if nothing had been. `delay`: it takes longer than the
 * app waits.
 */
export type Action = "kill" | "hold" | "delay";

export interface Cell {
  readonly kind: Kind;
  readonly at?: (Pick<Boundary, "label" | "nth"> & { readonly when: When }) | undefined;
  readonly action?: Action | undefined;
  readonly fault?: TargetFault | undefined;
}

export interface Outcome {
  readonly cell: Cell;
  /** Place among all cells that its fleet was given. */
  readonly at: number;
  /** The trap was never reached, or nobody came while the app was held: nothing was tried. */
  readonly missed: boolean;
  /** What is wrong; empty when it passed. */
  readonly wrong: readonly string[];
  readonly seconds: number;
  /** What was crossed, for making further cells. */
  readonly crossed: readonly Boundary[];
  /** What the apps printed, when something is wrong. */
  readonly lines: readonly string[];
}

/** Longer than the longest way that a run may have to take, also on a machine that is busy with something else. */
const CELL_SECONDS = 240;
/** The most that a held app stands still: longer than the lease of what it holds. */
const HOLD_MS = 9000;
/** A statement that waits so long waits for a lock of the one that is held. */
const BLOCKED_MS = 1500;
/** Over the deadline of a call to the ledger (2 s), within its lease (4 s), also where everything is slow. */
const DELAY_MS = 2200;

/** Lets one run go through the lane, with what the cell says, and judges how it ended. `runId` is new in the lane. */
export async function runCell(lane: Lane, cell: Cell, runId: string): Promise<Omit<Outcome, "at">> {
  const began = performance.now();
  await lane.workers.ready();
  await lane.ledger("PUT", `/_books/${runId}`, { allowDuplicates: true });
  if (cell.fault) await lane.ledger("PUT", "/_faults", { book: runId, ...cell.fault });

  let ended = false;
  let alone = false;
  lane.boundaries.begin(cell.at && { ...cell.at, spring });
  async function spring(worker: string): Promise<Pass> {
    if (cell.action === "delay") await sleep(DELAY_MS);
    if (cell.action === "kill") {
      // Inngest's own calls are to whoever is called now.
      lane.workers.kill(worker || (await lane.workers.current()).name);
      return false;
    }
    if (cell.action === "hold") {
      lane.handOver();
      const since = performance.now();
      const others = lane.boundaries.byOthers(worker);
      const blocked = () => lane.waitingMs() >= BLOCKED_MS;
      while (!ended && performance.now() - since < HOLD_MS && !blocked()) await sleep(25);
      alone = !ended && !blocked() && lane.boundaries.byOthers(worker) === others;
      // It is the app that stood still, not the network: what it gave up meanwhile it never sends.
      return "if awaited";
    }
    return true;
  }

  const status = await lane.run({ runId, input: cell.kind.input(runId) }, CELL_SECONDS);
  ended = true;
  const crossed = [...lane.boundaries.crossed];
  const wrong: string[] = [];
  if (status === null) wrong.push(`the run has not ended within ${CELL_SECONDS} s`);
  else await lane.quiet();
  const missed = lane.boundaries.armed || alone;
  if (missed) wrong.push(alone ? "nobody else came" : "the boundary was not reached");
  if (lane.crashed.length > 0) wrong.push(`the app ended by itself: ${lane.crashed.join(", ")}`);
  wrong.push(...(await verdict(lane.database, runId, await lane.objects(runId), 1)));
  return {
    cell,
    missed,
    wrong,
    seconds: (performance.now() - began) / 1000,
    crossed,
    lines: wrong.length > 0 ? [...lane.lines] : [],
  };
}

/** One line that names a cell. */
export function describe({ kind, at, action, fault }: Cell): string {
  const where = at ? `${action} ${at.when} "${at.label}" #${at.nth}` : "calm";
  return [kind.kind, where, fault && `target: ${fault.fault}`].filter(Boolean).join(", ");
}
