import type { Run, RunStatus } from "../data/runs.server.ts";
import { Conflict, NotFound } from "../errors.ts";

/** Which states may follow which (DESIGN section 4). From `failed` only by asking for the run again. */
export const FOLLOWS: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  created: ["running", "failed", "canceled"],
  running: ["waiting_approval", "waiting_external", "succeeded", "failed", "canceled"],
  waiting_approval: ["running", "failed", "canceled"],
  waiting_external: ["running", "failed", "canceled"],
  succeeded: [],
  failed: ["created"],
  canceled: [],
};

/** The states from which `to` may be reached. */
export function before(to: RunStatus): RunStatus[] {
  return (Object.keys(FOLLOWS) as RunStatus[]).filter((from) => FOLLOWS[from].includes(to));
}

/** Whether a run has not ended. */
export function isLive(run: Run): boolean {
  return before("canceled").includes(run.status);
}

/** The run, when it is there and has not ended. Throws NotFound or Conflict. */
export function requireLive(run: Run | null, id: string): Run {
  if (!run) throw new NotFound("run_not_found", `There is no run ${id}.`);
  if (isLive(run)) return run;
  throw new Conflict("run_ended", `The run ${id} has ${run.status}.`, { status: run.status });
}
