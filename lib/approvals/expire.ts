import { type Approval, lockApproval, overdueApprovals } from "../data/approvals.server.ts";
import { appendAudits } from "../data/audit.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { settle } from "./decide.ts";

/** Marks an approval as expired when its time is over. Returns it as it is now; throws when there is none. */
export async function expireIfDue(approvalId: string): Promise<Approval> {
  return await transaction(async (tx) => {
    const locked = await lockApproval({ id: approvalId }, tx);
    if (!locked) throw new Error(`there is no approval ${approvalId}`);
    const { approval, now } = locked;
    const live = approval.status === "pending" || approval.status === "granted";
    if (!live || approval.expiresAt.getTime() > now.getTime()) return approval;
    const settled = await settle(approval, "expired", "countersign", tx);
    await appendAudits(settled.entries, tx);
    return settled.approval;
  });
}

/** Marks up to `limit` approvals whose time is over. */
export async function expireOverdue({ limit }: { limit: number }): Promise<Approval[]> {
  const expired: Approval[] = [];
  for (const { id } of await overdueApprovals({ limit })) expired.push(await expireIfDue(id));
  return expired.filter(({ status }) => status === "expired");
}
