import { readApproval } from "../data/approvals.server.ts";
import { readRun } from "../data/runs.server.ts";

/** Whether the run of a settled approval still waits for a person, so that nobody heard of it. */
export async function stillWaiting(approvalId: string): Promise<boolean> {
  const { runId } = await readApproval({ id: approvalId });
  const { status } = await readRun({ id: runId });
  return status === "waiting_approval";
}
