import { repoConnected, repoPushed } from "#lib/events/catalogue/repos.ts";
import { inngest } from "#lib/events/client.ts";
import { event as happened } from "#lib/events/emit.ts";
import { originOf } from "#lib/events/origin.ts";
import { connectRepo } from "#lib/repos/connect.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Connects a repository to its project, then has the newest commit of its default branch indexed. */
export const connectRepoToProject = inngest.createFunction(
  { id: "connect-repo", retries: INBOUND_RETRIES, triggers: [repoConnected] },
  async ({ event, step }) => {
    const { projectId } = event.data;
    const eventId = originOf(event);
    const connected = await step.run("connect", () => connectRepo({ ...event.data, eventId }));
    if (connected.outcome === "connected" && connected.headSha !== null) {
      const { repoId, branch, headSha: commitSha } = connected;
      const data = { projectId, repoId, ref: `refs/heads/${branch}`, commitSha };
      // The occasion: who connects it again wants it to be indexed when the first time failed.
      await step.sendEvent("index", happened(repoPushed, data, `connect ${eventId}`));
    }
    return connected;
  },
);
