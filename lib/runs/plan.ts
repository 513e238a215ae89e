import type { z } from "zod";
import { publishArtifact } from "../data/artifacts.server.ts";
import { readRun } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { planHash } from "../effects/intent.ts";
import { planEffects } from "../effects/plan.ts";
import { documentOf } from "../effects/plan-document.ts";
import { intend, type Wish } from "../effects/wish.ts";
import type { approvalRequested } from "../events/catalogue/approvals.ts";

/** A plan as the run goes on with it: ids only. */
export interface RunPlan {
  /** What to wait for; null when nothing is left to be approved, or the run only plans. */
  readonly approvalId: string | null;
  /** What is to be brought about then, in order. */
  readonly effects: readonly { effectId: string; stepId: string }[];
  readonly planArtifactId: string | null;
  /** What to announce, when a person has to decide. */
  readonly request: z.infer<typeof approvalRequested.schema> | null;
}

/**
 * Plans a run's effects. In mode `plan` the plan is published as an artifact and nothing else is written; otherwise the
 * effects are planned and the approval that covers them is requested. Errors as `planEffects`.
 */
export async function planRun(input: {
  runId: string;
  stepId: string;
  wishes: readonly Wish[];
}): Promise<RunPlan> {
  const { runId, stepId, wishes } = input;
  const { projectId, mode } = await readRun({ id: runId });
  const nothing: RunPlan = { approvalId: null, effects: [], planArtifactId: null, request: null };
  if (wishes.length === 0) return nothing;
  if (mode === "plan") {
    const changes = intend(wishes);
    const { scope } = changes[0];
    const intentHash = planHash(changes);
    const { artifact } = await transaction(async (tx) =>
      publishArtifact(
        {
          ...{ projectId, runId, kind: "PLAN", logicalKey: `${runId}/${stepId}` },
          content: await documentOf({ scope, intentHash, changes }, tx),
          metadata: { scope, intentHash },
        },
        tx,
      ),
    );
    return { ...nothing, planArtifactId: artifact.id };
  }
  const { approval, effects } = await planEffects({ runId, stepId, wishes });
  if (!approval) return { ...nothing, effects };
  const { id: approvalId, scope, intentSummary, intentHash, planArtifactId } = approval;
  if (planArtifactId === null) throw new Error(`the approval ${approvalId} has no plan`);
  const expiresAt = approval.expiresAt.toISOString();
  const facts = { projectId, runId, approvalId, scope, intentSummary, intentHash };
  const pending = approval.status === "pending";
  return {
    approvalId,
    effects,
    planArtifactId,
    request: pending ? { ...facts, expiresAt, planArtifactId } : null,
  };
}
