import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob } from "./job.ts";
import { OpenPdf, pageQueue } from "./pdf.ts";
import { assemblePdf, type PdfText } from "./pdf-headings.ts";
import type { PartReply, PartRequest } from "./pdf-thread.ts";
import { type CompiledPdfium, compilePdfium, startPdfium } from "./pdfium.ts";
import { refused } from "./refusal.ts";

/** The build must emit `pdf-thread.ts` under the second name. */
const THREAD = new URL(
  import.meta.url.endsWith(".ts") ? "./pdf-thread.ts" : "./extract-pdf-thread.js",
  import.meta.url,
);

/** Fewer pages are read before a second thread has begun; and a large file is not held in memory twice. */
const MIN_PAGES = 48;
const MAX_BYTES = 32 * 1024 * 1024;

let module: Promise<CompiledPdfium> | undefined;
let thread: Worker | undefined;

/**
 * Loads what reads PDFs, and returns the function that reads `job`'s: on two cores where the file is worth it. Each file
 * has a PDFium of its own, whose memory no other file has seen; compiled code and the thread are kept for the next one.
 * The function throws FileRefused: `corrupt`, `encrypted`, `too_large`, `too_much_memory`, `needs_ocr`, `empty`.
 */
export async function pdfReader(job: ExtractJob): Promise<() => Promise<ExtractedDocument>> {
  module ??= compilePdfium();
  const compiled = await module;
  const pdfium = await startPdfium(compiled, job.limits.memoryBytes);
  return async () => {
    const pdf = new OpenPdf(job, pdfium);
    const queue = pageQueue();
    const shared =
      pdf.pageCount >= MIN_PAGES && job.size <= MAX_BYTES && availableParallelism() > 1;
    const other = shared ? readElsewhere({ job, queue }, compiled) : undefined;
    const here = async () => pdf.read(queue);
    const [part, rest] = await Promise.all([here(), other]);
    return assemblePdf(rest ? merge(part, rest) : part, job.name);
  };
}

async function readElsewhere(request: PartRequest, compiled: CompiledPdfium): Promise<PdfText> {
  thread ??= startThread(compiled);
  thread.postMessage(request);
  const [reply] = (await once(thread, "message")) as [PartReply];
  if (reply.kind === "refused") throw refused(reply);
  return reply.part;
}

function startThread(compiled: CompiledPdfium): Worker {
  const started = new Worker(THREAD, { workerData: compiled });
  started.on("error", (error: NodeJS.ErrnoException) => {
    // The process ends as it does when its own heap is full, which tells the parent what was the matter.
    if (error.code === "ERR_WORKER_OUT_OF_MEMORY") process.abort();
  });
  return started;
}

function merge(one: PdfText, other: PdfText): PdfText {
  const pages = [...one.pages, ...other.pages].sort((a, b) => a.number - b.number);
  return { ...one, pages, hasContent: one.hasContent || other.hasContent };
}
