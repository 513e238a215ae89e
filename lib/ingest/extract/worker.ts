import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";

/** The worker thread's whole life: one job in, one reply out. What it throws otherwise ends the thread and is seen there. */
async function work(job: ExtractJob): Promise<ExtractReply> {
  try {
    return { kind: "document", document: await extract(job) };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    const { code, message, context } = error;
    return { kind: "refused", code, message, context };
  }
}

/** Each format loads its own parser: a thread lives for one file. */
async function extract(job: ExtractJob): Promise<ExtractedDocument> {
  const { format, language } = job.detected;
  switch (format) {
    case "pdf":
      return extractPdf(job);
    case "markdown":
      return (await import("./text.ts")).extractMarkdown(readFileSync(job.path), job.name);
    case "code":
      return (await import("./text.ts")).extractCode(readFileSync(job.path), job.name, language);
    default:
      return (await import("./text.ts")).extractText(readFileSync(job.path), job.name);
  }
}

async function extractPdf(job: ExtractJob): Promise<ExtractedDocument> {
  const { compilePdfium, startPdfium } = await import("./pdfium.ts");
  const { readPdf } = await import("./pdf.ts");
  const { assemblePdf } = await import("./pdf-headings.ts");
  const pdfium = await startPdfium(await compilePdfium(), job.limits.externalBytes);
  return assemblePdf([readPdf(job, pdfium, { index: 0, of: 1 })], job.name);
}

parentPort?.postMessage(await work(workerData as ExtractJob));
