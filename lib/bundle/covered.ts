import { approvalsById } from "../data/bundles.server.ts";
import type { Tx } from "../data/transaction.server.ts";
import { coveredBy } from "../effects/claim.ts";
import type { BundledEffect } from "./format.ts";

/**
 * Effects with what they were about, as the approval that they name covers it: never as their row says it now, which a
 * later plan may have changed.
 */
export async function withIntents(
  effects: readonly Omit<BundledEffect, "intent" | "params">[],
  tx?: Tx,
): Promise<BundledEffect[]> {
  const ids = [...new Set(effects.flatMap(({ approvalId }) => approvalId ?? []))];
  const { approvals } = await approvalsById(ids, tx);
  const covers = new Map(approvals.map((approval) => [approval.id, coveredBy(approval)]));
  return effects.map((effect) => {
    const mine = covers.get(effect.approvalId ?? "")?.find((one) => one.effectId === effect.id);
    return { ...effect, intent: mine?.intent ?? null, params: mine?.params ?? null };
  });
}
