import { InvalidInput } from "../errors.ts";
import { setRunStatus } from "../runs/life.ts";
import { expireIfDue } from "./expire.ts";

/** Seconds: the expiry is judged by the database's clock, and a run has no steps to wait out a difference in small ones. */
const MIN_WAIT = 5;

/**
 * Reads an approval, marks it when its time is over, and says of the run whether it waits. `secondsLeft` is until
 * its expiry: who waits longer looks too late (DESIGN section 5).
 */
export async function lookAtApproval(input: {
  runId: string;
  inngestRunId: string;
  approvalId: string;
}): Promise<{ status: string; intentHash: string; secondsLeft: number }> {
  const { runId, inngestRunId, approvalId: waitingFor } = input;
  const { status, intentHash, expiresAt } = await expireIfDue(waitingFor);
  await setRunStatus(
    { runId, inngestRunId },
    status === "pending" ? "waiting_approval" : "running",
    {
      waitingFor,
    },
  );
  const left = Math.ceil((expiresAt.getTime() - Date.now()) / 1000) + 1;
  return { status, intentHash, secondsLeft: Math.max(MIN_WAIT, left) };
}

/** Ends well when the approval is granted, or used by its own plan. Throws InvalidInput that names how it was settled. */
export async function granted(approvalId: string): Promise<{ approvalId: string }> {
  const { status } = await expireIfDue(approvalId);
  if (status === "granted" || status === "used") return { approvalId };
  throw new InvalidInput(`approval_${status}`, `The approval ${approvalId} was ${status}.`);
}
