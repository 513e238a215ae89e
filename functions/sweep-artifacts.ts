import { cron } from "inngest";
import { indexLeftBehind } from "#lib/artifacts/indexing.ts";
import { unindexedArtifacts } from "#lib/data/artifact-index.server.ts";
import { artifactCreated } from "#lib/events/catalogue/delivery.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";

/**
 * Announces and indexes what a run had published when it failed or was canceled: the latest version of an artifact is found
 * whatever becomes of its run. Who was told of it before is not told again: the event is the same.
 */
export const sweepArtifacts = inngest.createFunction(
  {
    id: "sweep-artifacts",
    triggers: [cron("*/5 * * * *")],
    concurrency: { limit: 1 },
    retries: 2,
  },
  async ({ step }) => {
    const left = await step.run("find", () => unindexedArtifacts({ limit: 20 }));
    const events = eventOfEach(left, (version) => happened(artifactCreated, version));
    if (events.length > 0) await step.sendEvent("announce", events);
    // Side by side: one that cannot be indexed keeps no other from it.
    await Promise.all(
      left.map((version) =>
        step.run(`index-${version.artifactId}`, () => indexLeftBehind(version)),
      ),
    );
    return { indexed: left.length };
  },
);
