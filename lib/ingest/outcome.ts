import { markRejected } from "../data/file-progress.server.ts";
import { findFile } from "../data/files.server.ts";
import { FileRefused, type RefusalCode } from "../errors.ts";
import { EXTRACTION_VERSION } from "./document.ts";

/** Why ingestion ended without the file being searchable. A result of a step, not an error: nobody has to be paged. */
export interface Refusal {
  readonly outcome: "refused";
  readonly fileId: string;
  readonly code: RefusalCode;
  readonly reason: string;
}

/** A file of which a step's refusal says nothing: it is gone, or another run has given it bytes or made it searchable. */
export interface Passed {
  readonly outcome: "removed" | "unchanged";
  readonly fileId: string;
}

/**
 * Runs one step's work on a file. A terminal refusal is recorded in the row and returned, unless it is not the file's;
 * everything else is thrown on, and repeated by Inngest. `pending`: as in {@link refuse}.
 */
export async function refusable<T>(
  fileId: string,
  work: () => Promise<T>,
  { pending = false } = {},
): Promise<T | Refusal | Passed> {
  try {
    return await work();
  } catch (error) {
    const refusal = await refuse(fileId, error, { pending });
    if (refusal) return refusal;
    return { outcome: (await findFile({ fileId })) ? "unchanged" : "removed", fileId };
  }
}

/**
 * Records a terminal refusal in the row; `pending`: only while it has no bytes. Null when the file is gone, or more is known of
 * it by now. Throws on what is no refusal.
 */
export async function refuse(
  fileId: string,
  error: unknown,
  { pending }: { pending: boolean },
): Promise<Refusal | null> {
  if (!(error instanceof FileRefused)) throw error;
  const { code, message: reason } = error;
  const row = { fileId, extractionVersion: EXTRACTION_VERSION, code, reason, pending };
  return (await markRejected(row)) && { outcome: "refused", fileId, code, reason };
}
