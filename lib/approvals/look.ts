import { InvalidInput } from "../errors.ts";
import { setRunStatus } from "../runs/life.ts";
import { expireIfDue } from "./expire.ts";

const MINUTE = 60;
/** Seconds: the expiry is judged by the database's clock, and a run has no steps to wait out a difference in small ones. */
const MIN_WAIT = 5;

/**
 * Reads an approval, marks it when its time is over, and says of the run whether it waits. `waitSeconds` is how long to
 * wait before looking again, a minute at first and up to an hour, never past the expiry (DESIGN section 5).
 */
export async function lookAtApproval(input: {
  runId: string;
  inngestRunId: string;
  approvalId: string;
  /** 1 for the first look. */
  look: number;
}): Promise<{ status: string; intentHash: string; waitSeconds: number }> {
  const { runId, inngestRunId, approvalId: waitingFor } = input;
  const { status, intentHash, expiresAt } = await expireIfDue(waitingFor);
  await setRunStatus(
    { runId, inngestRunId },
    status === "pending" ? "waiting_approval" : "running",
    {
      waitingFor,
    },
  );
  const patience = [1 * MINUTE, 5 * MINUTE][input.look - 1] ?? 60 * MINUTE;
  const left = Math.ceil((expiresAt.getTime() - Date.now()) / 1000) + 1;
  return { status, intentHash, waitSeconds: Math.max(MIN_WAIT, Math.min(patience, left)) };
}

/** Ends well when the approval is granted, or used by its own plan. Throws InvalidInput that names how it was settled. */
export async function granted(approvalId: string): Promise<{ approvalId: string }> {
  const { status } = await expireIfDue(approvalId);
  if (status === "granted" || status === "used") return { approvalId };
  throw new InvalidInput(`approval_${status}`, `The approval ${approvalId} was ${status}.`);
}
