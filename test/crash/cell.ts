import { setTimeout as sleep } from "node:timers/promises";
import type { Boundary, When } from "./boundaries.ts";
import type { Pass } from "./http-gate.ts";
import type { Kind } from "./kinds.ts";
import type { Lane } from "./lane.ts";
import type { TargetFault } from "./targets/target.ts";
import { verdict } from "./verdict.ts";

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
/** How long a held app stands still at most after the end of the lease of what it holds. */
const AFTER_LEASE_MS = 5000;
/** A statement that waits so long waits for a lock of the one that is held. */
const BLOCKED_MS = 1500;
/** How long a call is delayed, in deadlines: over one, within the lease of two, also where everything is slow. */
const DELAY = 1.1;

/** Lets one run go through the lane, with what the cell says, and judges how it ended. `runId` is new in the lane. */
export async function runCell(lane: Lane, cell: Cell, runId: string): Promise<Omit<Outcome, "at">> {
  const began = performance.now();
  await lane.workers.ready();
  const { kind } = cell;
  const target = await lane.prepare(kind, runId);
  if (cell.fault) await target.strike(runId, kind, cell.fault);

  let ended = false;
  let alone = false;
  lane.boundaries.begin(cell.at && { ...cell.at, spring });
  async function spring(worker: string): Promise<Pass> {
    if (cell.action === "delay") await sleep(target.timeoutMs * DELAY);
    if (cell.action === "kill") {
      // Inngest's own calls are to whoever is called now.
      lane.workers.kill(worker || (await lane.workers.current()).name);
      return false;
    }
    if (cell.action === "hold") {
      lane.handOver();
      const since = performance.now();
      const most = 2 * target.timeoutMs + AFTER_LEASE_MS;
      const others = lane.boundaries.byOthers(worker);
      const blocked = () => lane.waitingMs() >= BLOCKED_MS;
      while (!ended && performance.now() - since < most && !blocked()) await sleep(25);
      alone = !ended && !blocked() && lane.boundaries.byOthers(worker) === others;
      // It is the app that stood still, not the network: what it gave up meanwhile it never sends.
      return "if awaited";
    }
    return true;
  }

  const status = await lane.run({ runId, kind }, CELL_SECONDS);
  ended = true;
  const wrong: string[] = [];
  if (status === null) wrong.push(`the run has not ended within ${CELL_SECONDS} s`);
  else await lane.quiet();
  // Only now: what a run says of its end comes after that.
  const crossed = [...lane.boundaries.crossed];
  const missed = lane.boundaries.armed || alone;
  if (missed) wrong.push(alone ? "nobody else came" : "the boundary was not reached");
  if (lane.crashed.length > 0) wrong.push(`the app ended by itself: ${lane.crashed.join(", ")}`);
  wrong.push(...(await verdict(lane.database, runId, await target.left(runId), target)));
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
