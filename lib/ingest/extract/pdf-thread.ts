import { parentPort, workerData } from "node:worker_threads";
import { collectSoon } from "./collect.ts";
import type { ExtractJob, Refused } from "./job.ts";
import { OpenPdf } from "./pdf.ts";
import type { PdfText } from "./pdf-headings.ts";
import { type CompiledPdfium, type LoadedPdfium, startPdfium } from "./pdfium.ts";
import { refusal } from "./refusal.ts";

/** What a thread is asked: to read what it can get of a job's pages. */
export interface PartRequest {
  readonly job: ExtractJob;
  readonly queue: Int32Array;
}

/** What a thread answers. */
export type PartReply = { readonly kind: "part"; readonly part: PdfText } | Refused;

/** A thread that reads PDFs together with the main thread, see pdf-threads.ts. It is started with the compiled PDFium. */
const module: CompiledPdfium = workerData;

parentPort?.on("message", async ({ job, queue }: PartRequest) => {
  const pdfium = await startPdfium(module, job.limits.memoryBytes);
  parentPort?.postMessage(read(job, queue, pdfium));
  collectSoon();
});

function read(job: ExtractJob, queue: Int32Array, pdfium: LoadedPdfium): PartReply {
  try {
    return { kind: "part", part: new OpenPdf(job, pdfium).read(queue) };
  } catch (error) {
    return refusal(error, job);
  }
}
