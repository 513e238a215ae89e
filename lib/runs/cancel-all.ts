import { liveRunsOf } from "../data/runs.server.ts";
import { cancelRun } from "./life.ts";

/** Cancels every run of a project that has not ended. Returns the ids of those that are canceled now, at most 1,000. */
export async function cancelRunsOf(input: { projectId: string; by: string }): Promise<string[]> {
  const { projectId, by } = input;
  const reason = "The project is being deleted.";
  const canceled: string[] = [];
  for (const { id: runId } of await liveRunsOf({ projectId })) {
    const { outcome } = await cancelRun({ projectId, runId, by, reason });
    if (outcome === "canceled") canceled.push(runId);
  }
  return canceled;
}
