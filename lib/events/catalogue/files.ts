import { eventType } from "inngest";
import * as z from "zod";
import { actor, count, id, name, sha256, timestamp, url } from "./fields.ts";

/**
 * A file is here, or can be fetched. Our own upload route sends the first form; a system that only has a link sends the
 * second, and gets the bytes checked against `sha256` when it names one.
 */
export const fileUploaded = eventType("file.uploaded", {
  schema: z.union(
    [
      z.strictObject({ projectId: id, fileId: id }),
      z.strictObject({ projectId: id, name, url, sha256: sha256.optional() }),
    ],
    "needs either projectId and fileId, or projectId, name and url (with an optional sha256 of 64 hexadecimal digits), and nothing else",
  ),
});

/** Take the file out: its rows, vectors and bytes. */
export const fileRemoved = eventType("file.removed", {
  schema: z.strictObject({ projectId: id, fileId: id, by: actor }),
});

/** The file can be searched. */
export const fileIngested = eventType("file.ingested", {
  schema: z.strictObject({
    projectId: id,
    fileId: id,
    sha256,
    extractionVersion: count,
    pages: count.nullable(),
    chunks: count,
    ingestedAt: timestamp,
  }),
});

/** The file can never be ingested as it is. `code` is for programs, `reason` says what to do. */
export const fileRejected = eventType("file.rejected", {
  schema: z.strictObject({ projectId: id, fileId: id, code: z.string(), reason: z.string() }),
});
