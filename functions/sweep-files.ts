import { cron } from "inngest";
import { claimLeftBehind } from "#lib/data/file-progress.server.ts";
import { fileUploaded } from "#lib/events/catalogue/files.ts";
import { inngest } from "#lib/events/client.ts";
import { eventOfEach, event as happened } from "#lib/events/emit.ts";
import { EXTRACTION_VERSION } from "#lib/ingest/document.ts";

/** Longer than any ingestion that is alive goes without touching its row. */
const LEFT_BEHIND_MS = 15 * 60_000;

/**
 * Wakes ingestion again for files whose event was lost, whose run failed, or that an older extraction version made.
 * Claiming stamps the row, and the stamp goes into the event's id: each claim is one event, however often this step runs.
 */
export const sweepFiles = inngest.createFunction(
  { id: "sweep-files", triggers: [cron("*/5 * * * *")], concurrency: { limit: 1 } },
  async ({ step }) => {
    const files = await step.run("claim", () =>
      claimLeftBehind({
        olderThanMs: LEFT_BEHIND_MS,
        extractionVersion: EXTRACTION_VERSION,
        limit: 100,
      }),
    );
    const wakes = eventOfEach(files, ({ claimedAt, ...data }) =>
      happened(fileUploaded, data, `sweep ${claimedAt}`),
    );
    if (wakes.length > 0) await step.sendEvent("wake", wakes);
    return { woken: wakes.length };
  },
);
