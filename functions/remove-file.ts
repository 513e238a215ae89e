import { deleteFile } from "#lib/data/files.server.ts";
import { fileRemoved } from "#lib/events/catalogue/files.ts";
import { inngest } from "#lib/events/client.ts";
import { purgeFile } from "#lib/ingest/finish.ts";

/** Takes a file out. The row goes first: from then on no search shows it, and an ingestion under way cleans up after itself. */
export const removeFile = inngest.createFunction(
  { id: "remove-file", triggers: [fileRemoved] },
  async ({ event, step }) => {
    const { projectId, fileId } = event.data;
    const removed = await step.run("delete-rows", async () => {
      return (await deleteFile({ projectId, fileId })) !== null;
    });
    await step.run("purge", () => purgeFile({ projectId, fileId }));
    return { fileId, removed };
  },
);
