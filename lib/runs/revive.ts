import { staleRuns } from "../data/runs.server.ts";
import { targetOf } from "./input.ts";
import { reviveRun } from "./life.ts";

/** A row that was written and whose wake-up was lost. */
const UNSTARTED_MS = 60_000;
/** Well above the longest pause of whoever works on a run: an hour of waiting, two of backing off. */
const LOST_MS = 5 * 60 * 60_000;

export interface Revived {
  readonly projectId: string;
  readonly runId: string;
  readonly kind: "research" | "implementation";
  readonly target?: string;
  readonly requestedBy: string;
  readonly occasion: string;
}

/** Makes runs that nobody works on ready to be begun, and lists them so that they are woken. */
export async function reviveRuns({ limit }: { limit: number }): Promise<Revived[]> {
  const unstarted = { statuses: ["created" as const], olderThanMs: UNSTARTED_MS };
  const lost = {
    statuses: ["running", "waiting_approval", "waiting_external"] as const,
    olderThanMs: LOST_MS,
  };
  const revived: Revived[] = [];
  for (const { statuses, olderThanMs } of [unstarted, lost]) {
    for (const { id } of await staleRuns({ statuses: [...statuses], olderThanMs, limit })) {
      const run = await reviveRun({ runId: id, olderThanMs });
      if (!run) continue;
      const { projectId, kind, input, requestedBy, attempt, updatedAt } = run;
      const target = targetOf(input);
      const occasion = `sweep ${attempt} ${updatedAt.toISOString()}`;
      revived.push({ projectId, runId: id, kind, ...target, requestedBy, occasion });
    }
  }
  return revived;
}
