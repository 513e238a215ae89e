import { blobStore } from "#lib/blob/blob.ts";
import { projectPrefix } from "#lib/blob/port.ts";
import { deleteFiles } from "#lib/data/files.server.ts";
import { beginProjectDelete, deleteProject } from "#lib/data/projects.server.ts";
import { projectDeleted } from "#lib/events/catalogue/projects.ts";
import { inngest } from "#lib/events/client.ts";
import { deleteProjectVectors } from "#lib/upstash/vector.ts";

/**
 * Removes a project: hidden at once; its files' rows first, so that ingestions under way clean up after themselves; its own
 * row last, so that the sweeper finds a deletion that did not end.
 */
export const deleteProjectData = inngest.createFunction(
  { id: "delete-project", triggers: [projectDeleted] },
  async ({ event, step }) => {
    const { projectId } = event.data;
    await step.run("hide", () => beginProjectDelete({ id: projectId }));
    await step.run("delete-files", () => deleteFiles({ projectId }));
    await step.run("delete-vectors", () => deleteProjectVectors(projectId));
    await step.run("delete-blobs", () => blobStore().deletePrefix(projectPrefix(projectId)));
    await step.run("delete-project", () => deleteProject({ id: projectId }));
    return { projectId };
  },
);
