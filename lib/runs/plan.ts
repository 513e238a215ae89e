import type { z } from "zod";
import { publishArtifact } from "../data/artifacts.server.ts";
import { readRun } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { planHash } from "../effects/intent.ts";
import { intend, planEffects, type Wish } from "../effects/plan.ts";
import { planDocument } from "../effects/plan-document.ts";
import type { approvalRequested } from "../events/catalogue/approvals.ts";

/** A plan as the run goes on with it: ids only. */
export interface RunPlan {
  /** Null when there is nothing to be approved: all is done, or the run only plans. */
  readonly approvalId: string | null;
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
  if (wishes.length === 0) return { approvalId: null, planArtifactId: null, request: null };
  if (mode === "plan") {
    const changes = intend(wishes);
    const { scope } = changes[0];
    const intentHash = planHash(changes);
    const { artifact } = await transaction((tx) =>
      publishArtifact(
        {
          ...{ projectId, runId, kind: "PLAN", logicalKey: `${runId}/${stepId}` },
          content: planDocument({ scope, intentHash, changes }),
          metadata: { scope, intentHash },
        },
        tx,
      ),
    );
    return { approvalId: null, planArtifactId: artifact.id, request: null };
  }
  const approval = await planEffects({ runId, stepId, wishes });
  if (!approval) return { approvalId: null, planArtifactId: null, request: null };
  const { id: approvalId, scope, intentSummary, intentHash, planArtifactId } = approval;
  if (planArtifactId === null) throw new Error(`the approval ${approvalId} has no plan`);
  const expiresAt = approval.expiresAt.toISOString();
  const facts = { projectId, runId, approvalId, scope, intentSummary, intentHash };
  const pending = approval.status === "pending";
  return {
    approvalId,
    planArtifactId,
    request: pending ? { ...facts, expiresAt, planArtifactId } : null,
  };
}
