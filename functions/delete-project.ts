import { NonRetriableError } from "inngest";
import { beginProjectDelete } from "#lib/data/projects.server.ts";
import { liveRunsOf } from "#lib/data/runs.server.ts";
import { settleInFlight } from "#lib/effects/orphans.ts";
import { projectDeleted } from "#lib/events/catalogue/projects.ts";
import { runCanceled } from "#lib/events/catalogue/runs.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { deleteSomeFiles, endDeletion, purgeProject, takeStock } from "#lib/projects/deletion.ts";
import { cancelRuns } from "#lib/runs/cancel-all.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Half a minute apart; the sweeper begins the whole deletion anew when that was not enough. */
const MAX_LOOKS = 20;

/**
 * Removes a project: hidden at once; what it has is written down; its files' rows first, so that ingestions under way clean
 * up after themselves; its own row last, so that the sweeper finds a deletion that did not end. What a step that was under way
 * has written outside the database meanwhile goes after that; an ingestion that writes later still takes it back itself.
 */
export const deleteProjectData = inngest.createFunction(
  { id: "delete-project", retries: INBOUND_RETRIES, triggers: [projectDeleted] },
  async ({ event, step }) => {
    const { projectId, by } = event.data;
    await step.run("hide", () => beginProjectDelete({ id: projectId }));
    // Nothing new is claimed for a hidden project; its runs are told, and what was sent is looked for before its row goes.
    const reason = "The project is being deleted.";
    const live = await step.run("live-runs", () => liveRunsOf({ projectId }));
    const cancel = { projectId, runIds: live.map(({ id }) => id), by, reason };
    const runs = await step.run("cancel-runs", () => cancelRuns(cancel));
    if (runs.length > 0) {
      const stops = runs.map((runId) => happened(runCanceled, { projectId, runId, by, reason }));
      await step.sendEvent("stop-runs", stops);
    }
    for (let look = 1; look <= MAX_LOOKS; look++) {
      if ((await step.run(`in-flight-${look}`, () => settleInFlight({ projectId }))) === 0) break;
      if (look === MAX_LOOKS) throw new NonRetriableError("effects_in_flight: tried again later");
      await step.sleep(`settle-${look}`, "30s");
    }
    await step.run("take-stock", () => takeStock({ projectId, by }));
    for (let part = 1, more = true; more; part++) {
      ({ more } = await step.run(`delete-files-${part}`, () => deleteSomeFiles(projectId)));
    }
    await step.run("purge", () => purgeProject(projectId));
    const deleted = await step.run("delete-project", () => endDeletion({ projectId }));
    await step.run("purge-late", () => purgeProject(projectId));
    return { projectId, deleted };
  },
);
