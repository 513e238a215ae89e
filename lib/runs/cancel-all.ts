import { cancelRun } from "./life.ts";

/**
 * Cancels runs of a project that is being deleted. Returns the ids of those that are canceled, also by a call before: a
 * caller that died in the middle can call again and learn of all.
 */
export async function cancelRuns(input: {
  projectId: string;
  runIds: readonly string[];
  by: string;
  reason: string;
}): Promise<string[]> {
  const { runIds, ...said } = input;
  const canceled: string[] = [];
  for (const runId of runIds) {
    const { outcome } = await cancelRun({ ...said, runId });
    if (outcome === "canceled") canceled.push(runId);
  }
  return canceled;
}
