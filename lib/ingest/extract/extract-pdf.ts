import { availableParallelism } from "node:os";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob } from "./job.ts";
import type { PdfPart } from "./pdf.ts";
import { assemblePdf } from "./pdf-headings.ts";
import { runInWorker } from "./run-worker.ts";

/** Below this a second worker takes longer to start than it saves. */
const SPLIT_BYTES = 256 * 1024;
const MAX_WORKERS = 2;

/** Reads a PDF: a large one in two workers, each with half of the pages and half of the memory. */
export async function extractPdf(job: ExtractJob): Promise<ExtractedDocument> {
  const of = job.size < SPLIT_BYTES ? 1 : Math.min(MAX_WORKERS, availableParallelism());
  const limits = { ...job.limits, memoryBytes: Math.floor(job.limits.memoryBytes / of) };
  const abort = new AbortController();
  const readShare = async (index: number): Promise<PdfPart[]> => {
    const reply = await runInWorker({ ...job, limits, share: { index, of } }, abort.signal);
    return reply.kind === "pdf" ? [reply.part] : [];
  };
  try {
    const parts = await Promise.all(Array.from({ length: of }, (_, index) => readShare(index)));
    return assemblePdf(parts.flat(), job.name);
  } finally {
    // One half that is refused refuses the file, so the other need not go on.
    abort.abort();
  }
}
