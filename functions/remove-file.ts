import { endRemoval } from "#lib/data/file-removals.server.ts";
import { deleteFile } from "#lib/data/files.server.ts";
import { fileRemoved } from "#lib/events/catalogue/files.ts";
import { inngest } from "#lib/events/client.ts";
import { purgeFile } from "#lib/ingest/finish.ts";
import { INBOUND_RETRIES } from "./inbound.ts";

/** Longer than an ingestion goes on after its row went: what it still wrote is purged by the sweeper's event. */
const SETTLE_MS = 15 * 60_000;

/**
 * Takes a file out. The row goes first: from then on no search shows it, and an ingestion under way cleans up after itself.
 * The trace that the row leaves goes last, so that the sweeper finds a removal that did not end.
 */
export const removeFile = inngest.createFunction(
  { id: "remove-file", retries: INBOUND_RETRIES, triggers: [fileRemoved] },
  async ({ event, step }) => {
    const { projectId, fileId } = event.data;
    const removed = await step.run("delete-rows", async () => {
      return (await deleteFile({ projectId, fileId })) !== null;
    });
    await step.run("purge", () => purgeFile({ projectId, fileId }));
    await step.run("end", () => endRemoval({ fileId, settleMs: SETTLE_MS }));
    return { fileId, removed };
  },
);
