import { markRejected } from "../data/file-progress.server.ts";
import { FileRefused, type RefusalCode } from "../errors.ts";
import { EXTRACTION_VERSION } from "./document.ts";

/** Why ingestion ended without the file being searchable. A result of a step, not an error: nobody has to be paged. */
export interface Refusal {
  readonly outcome: "refused";
  readonly fileId: string;
  readonly code: RefusalCode;
  readonly reason: string;
}

/**
 * Runs one step's work on a file. A terminal refusal is recorded in the row and returned; everything else is thrown on,
 * and repeated by Inngest.
 */
export async function refusable<T>(fileId: string, work: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await work();
  } catch (error) {
    return (await refuse(fileId, error)).refusal;
  }
}

/**
 * Records a terminal refusal in the row; `pending`: only while it has no bytes. `marked`: whether it is the file's now. Throws
 * on what is no refusal.
 */
export async function refuse(
  fileId: string,
  error: unknown,
  { pending = false } = {},
): Promise<{ refusal: Refusal; marked: boolean }> {
  if (!(error instanceof FileRefused)) throw error;
  const { code, message: reason } = error;
  const row = { fileId, extractionVersion: EXTRACTION_VERSION, code, reason, pending };
  const marked = (await markRejected(row)) !== null;
  return { refusal: { outcome: "refused", fileId, code, reason }, marked };
}
