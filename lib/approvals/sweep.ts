import { type Approval, unheardApprovals } from "../data/approvals.server.ts";
import { expireOverdue } from "./expire.ts";

/** Longer than a wake-up takes that was not lost. */
const UNHEARD_MS = 20_000;

/** An `approval.settled` to be sent, and what tells this sending from an earlier one of the same. */
export interface Settled {
  readonly projectId: string;
  readonly runId: string;
  readonly approvalId: string;
  readonly intentHash: string;
  readonly outcome: "granted" | "denied" | "revoked" | "expired" | "superseded";
  readonly occasion: string;
}

/** Marks approvals whose time is over, and lists those whose runs are to be woken: the newly expired and the unheard. */
export async function sweepSettled({ limit }: { limit: number }): Promise<Settled[]> {
  const expired = await expireOverdue({ limit });
  const unheard = await unheardApprovals({ olderThanMs: UNHEARD_MS, limit });
  const minute = new Date().toISOString().slice(0, 16);
  return [...expired, ...unheard].map((approval) => ({
    ...{ projectId: approval.projectId, runId: approval.runId, approvalId: approval.id },
    intentHash: approval.intentHash,
    outcome: outcomeOf(approval),
    occasion: `sweep ${minute}`,
  }));
}

/** A used approval was granted: its plan has begun. */
export function outcomeOf({ status, id }: Approval): Settled["outcome"] {
  if (status === "used") return "granted";
  if (status === "pending") throw new Error(`the approval ${id} is not settled`);
  return status;
}
