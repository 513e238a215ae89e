import { blobStore } from "../blob/blob.ts";
import { markTidied, untidyRuns } from "../data/run-drafts.server.ts";
import { lockRun, type RunStatus } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { draftsPrefix } from "./draft.ts";

const HOUR_MS = 60 * 60_000;

/** How long drafts are kept after the end, by how it came. */
const KEPT: readonly { status: RunStatus; olderThanMs: number }[] = [
  // Longer than a step that was under way when its run was canceled takes.
  { status: "canceled", olderThanMs: HOUR_MS },
  { status: "succeeded", olderThanMs: HOUR_MS },
  // It may be asked to go on, and does not write again what it has.
  { status: "failed", olderThanMs: 30 * 24 * HOUR_MS },
];

/** Removes the drafts of runs that have ended, of so many at most. Can be repeated. Returns how many. */
export async function tidyRuns({ limit }: { limit: number }): Promise<number> {
  let tidied = 0;
  for (const { status, olderThanMs } of KEPT) {
    const runs = await untidyRuns({ status, olderThanMs, limit: limit - tidied });
    for (const { id } of runs) if (await tidy(id, status)) tidied++;
  }
  return tidied;
}

/** Under the run's lock, which whoever wants it to go on waits for: it has its drafts, or cannot. */
async function tidy(runId: string, status: RunStatus): Promise<boolean> {
  return await transaction(async (tx) => {
    const run = await lockRun({ id: runId }, tx);
    if (!run || run.tidiedAt !== null || run.status !== status) return false;
    await blobStore().deletePrefix(draftsPrefix({ projectId: run.projectId, runId }));
    const gone =
      "It failed long ago and its drafts are removed: ask for a new run, under another runId.";
    await markTidied({ id: runId, remediation: status === "failed" ? gone : null }, tx);
    return true;
  });
}
