import { blobStore } from "#lib/blob/blob.ts";
import { projectPrefix } from "#lib/blob/port.ts";
import { beginProjectDelete, deleteProject } from "#lib/data/projects.server.ts";
import { projectDeleted } from "#lib/events/catalogue/projects.ts";
import { inngest } from "#lib/events/client.ts";
import { deleteProjectVectors } from "#lib/upstash/vector.ts";

/** Removes a project: hidden at once, then rows, then what lies outside the database. */
export const deleteProjectData = inngest.createFunction(
  { id: "delete-project", triggers: [projectDeleted] },
  async ({ event, step }) => {
    const { projectId } = event.data;
    await step.run("hide", () => beginProjectDelete({ id: projectId }));
    await step.run("delete-rows", () => deleteProject({ id: projectId }));
    await step.run("delete-vectors", () => deleteProjectVectors(projectId));
    await step.run("delete-blobs", () => blobStore().deletePrefix(projectPrefix(projectId)));
    return { projectId };
  },
);
