import { runStarted } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { beginRun } from "#lib/runs/life.ts";
import { bringAbout } from "./bring-about.ts";
import { finishRun } from "./finish-run.ts";
import { RUN } from "./phase.ts";

/** Creates objects in the ledger service: plan, wait for a person, apply. */
export const ledgerRun = onePartRun("ledger");

/** Removes resources that earlier runs have made: the same, under an approval of its own kind. */
export const removalRun = onePartRun("removal");

/** An implementation run whose changes are one plan. */
function onePartRun(target: "ledger" | "removal") {
  return inngest.createFunction(
    {
      ...RUN,
      id: `${target}-run`,
      triggers: [
        {
          event: runStarted,
          if: `event.data.kind == "implementation" && event.data.target == "${target}"`,
        },
      ],
    },
    async ({ event, step, runId: inngestRunId }) => {
      const { projectId, runId } = event.data;
      const ids = { projectId, runId, inngestRunId };
      const begun = await step.run("begin", async () => {
        const row = await beginRun({ runId, inngestRunId });
        return row && { attempt: row.attempt };
      });
      if (!begun) return { runId, outcome: "not ours" };
      const { planArtifactId } = await bringAbout(step, { ...ids, ...begun }, target);
      return await finishRun(step, ids, { planArtifactId });
    },
  );
}
