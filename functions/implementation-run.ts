import { runStarted } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { asksModel, deploys } from "#lib/implementation/input.ts";
import { beginRun } from "#lib/runs/life.ts";
import { awaitChecks } from "./await-checks.ts";
import { bringAbout } from "./bring-about.ts";
import { deployRun } from "./deploy-run.ts";
import { draftPatch } from "./draft-patch.ts";
import { finishRun } from "./finish-run.ts";
import { patchRepo } from "./patch-repo.ts";
import { RUN } from "./phase.ts";
import { preflightRun } from "./preflight-run.ts";
import { verifyPatch } from "./verify-patch.ts";

/**
 * An implementation run on a repository, from what was asked to the merged pull request: everything that can be found out
 * inside first, then the branch and the pull request after an approval, and the merge after its checks and another one; and,
 * where the input says so, on to production.
 */
export const implementationRun = inngest.createFunction(
  {
    ...RUN,
    id: "implementation-run",
    triggers: [
      {
        event: runStarted,
        if: 'event.data.kind == "implementation" && event.data.target == "repository"',
      },
    ],
  },
  async ({ event, step, runId: inngestRunId }) => {
    const { projectId, runId } = event.data;
    const ids = { projectId, runId, inngestRunId };
    const begun = await step.run("begin", async () => {
      const row = await beginRun({ runId, inngestRunId });
      if (!row) return null;
      const { mode, attempt, input } = row;
      return { mode, attempt, model: asksModel(input), deploys: deploys(input) };
    });
    if (!begun) return { runId, outcome: "not ours" };
    const { attempt } = begun;
    const ours = { ...ids, attempt };

    await step.invoke("preflight", { function: preflightRun, data: ids });
    if (begun.model) await step.invoke("draft", { function: draftPatch, data: ids });
    const patch = await step.invoke("patch", { function: patchRepo, data: ids });
    const report = await step.invoke("verify", { function: verifyPatch, data: ours });

    const push = await bringAbout(step, ours, "push");
    const made = { patchset: patch.artifactId, report: report.artifactId };
    if (begun.mode === "plan") {
      return await finishRun(step, ids, { ...made, planArtifactId: push.planArtifactId });
    }

    const merge = await bringAbout(step, ours, "merge", {
      before: async (round) => {
        const data = { ...ids, round };
        return await step.invoke(`checks-${round}`, { function: awaitChecks, data });
      },
    });
    const merged = { ...made, planArtifactId: merge.planArtifactId };
    if (!begun.deploys) return await finishRun(step, ids, merged);

    const deployed = await step.invoke("deploy", { function: deployRun, data: ours });
    return await finishRun(step, ids, { ...merged, ...deployed });
  },
);
