import type { GetStepTools } from "inngest";
import { NonRetriableError } from "inngest";
import type { inngest } from "#lib/events/client.ts";
import type { Part } from "#lib/runs/wishes.ts";
import { applyPlan } from "./apply-plan.ts";
import { awaitApproval } from "./await-approval.ts";
import { planChanges } from "./plan-changes.ts";

/** How often a plan is made anew because the world moved under it, before a person has to look. */
const MAX_PLANS = 5;

/** Which run works on it, and which start of the run this is. */
export interface Ours {
  readonly projectId: string;
  readonly runId: string;
  readonly inngestRunId: string;
  readonly attempt: number;
}

/** A plan that was brought about, or, in mode `plan`, only made. */
export interface BroughtAbout {
  readonly planArtifactId: string | null;
  /** How many effects were brought about. */
  readonly effects: number;
}

interface Options {
  /** What has to be known for each plan: the head whose checks have passed. */
  readonly before?: (round: string) => Promise<{ headSha?: string }>;
  /** Effects whose step begins so are approved with the others and kept for later. */
  readonly keep?: string;
}

/**
 * One part of a run's changes: plan, wait for a person, apply. When what the plan was made against has moved, it is
 * planned and approved anew. Rounds of another attempt are other steps: a resumed run plans anew, and its effects know what is done.
 */
export async function bringAbout(
  step: GetStepTools<typeof inngest>,
  { attempt, ...ids }: Ours,
  part: Part,
  { before = async () => ({}), keep }: Options = {},
): Promise<BroughtAbout> {
  for (let n = 1; n <= MAX_PLANS; n++) {
    const round = `${part}-${attempt}-${n}`;
    const data = { ...ids, round };
    const known = await before(round);
    const toPlan = { ...data, ...known, part };
    const plan = await step.invoke(`plan-${part}-${n}`, { function: planChanges, data: toPlan });
    const { approvalId, planArtifactId } = plan;
    const effects = plan.effects.filter(({ stepId }) => !keep || !stepId.startsWith(keep));
    if (approvalId !== null) {
      const wait = { ...data, approvalId };
      await step.invoke(`approval-${part}-${n}`, { function: awaitApproval, data: wait });
    }
    if (effects.length === 0) return { planArtifactId, effects: 0 };
    const todo = { ...data, effects };
    const done = await step.invoke(`apply-${part}-${n}`, { function: applyPlan, data: todo });
    if (done.outcome === "applied") return { planArtifactId, effects: effects.length };
  }
  throw new NonRetriableError(`plan_moves: the world moved under ${MAX_PLANS} plans in a row`);
}
