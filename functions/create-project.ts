import { createProject } from "#lib/data/projects.server.ts";
import { projectCreated } from "#lib/events/catalogue/projects.ts";
import { inngest } from "#lib/events/client.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Makes a project for a system that works by events alone. */
export const createProjectFromEvent = inngest.createFunction(
  { id: "create-project", retries: INBOUND_RETRIES, triggers: [projectCreated] },
  async ({ event, step }) => {
    const { projectId: id, owner: ownerUserId, name, slug } = event.data;
    return await step.run("create", async () => {
      const project = await createProject({ id, ownerUserId, name, slug });
      return { projectId: project.id };
    });
  },
);
