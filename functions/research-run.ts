import { wantedOfRun } from "#lib/artifacts/research.ts";
import { runStarted } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { beginRun } from "#lib/runs/life.ts";
import { awaitFiles } from "./await-files.ts";
import { checkCitations } from "./check-citations.ts";
import { finishRun } from "./finish-run.ts";
import { gatherSources } from "./gather-sources.ts";
import { RUN } from "./phase.ts";
import { publishArtifact } from "./publish-artifact.ts";
import { writeSections } from "./write-sections.ts";

/**
 * One research run from its start to its end: it waits for documents that are still read; for each artifact it gathers sources,
 * writes, checks every citation, publishes and indexes. It changes nothing outside our own database, so nobody has to approve
 * it, also in mode `plan`.
 */
export const researchRun = inngest.createFunction(
  {
    ...RUN,
    id: "research-run",
    triggers: [{ event: runStarted, if: 'event.data.kind == "research"' }],
  },
  async ({ event, step, runId: inngestRunId }) => {
    const { projectId, runId } = event.data;
    const wanted = await step.run("begin", async () => {
      const row = await beginRun({ runId, inngestRunId });
      return row && (await wantedOfRun(runId));
    });
    if (!wanted) return { runId, outcome: "not ours" };

    const ids = { projectId, runId, inngestRunId };
    await step.invoke("files", { function: awaitFiles, data: ids });
    const artifacts = await Promise.all(
      wanted.map(async ({ kind, logicalKey }) => {
        const data = { ...ids, kind, logicalKey };
        const { sections } = await step.invoke(`gather-${kind}`, { function: gatherSources, data });
        const toWrite = { ...data, sections };
        await step.invoke(`write-${kind}`, { function: writeSections, data: toWrite });
        await step.invoke(`check-${kind}`, { function: checkCitations, data });
        return await step.invoke(`publish-${kind}`, { function: publishArtifact, data });
      }),
    );

    return await finishRun(step, ids, {
      artifacts: artifacts.map(({ artifactId }) => artifactId),
    });
  },
);
