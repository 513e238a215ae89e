import { readFileSync } from "node:fs";
import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob, ExtractReply, PdfShare } from "./job.ts";

/** A worker process's whole life: one job in, one reply out. Whatever else it throws ends it and is seen from outside. */
async function work(job: ExtractJob): Promise<ExtractReply> {
  try {
    if (job.share) return await readShare(job, job.share);
    return { kind: "document", document: await extract(job) };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    const { code, message, context } = error;
    return { kind: "refused", code, message, context };
  }
}

// Each format loads its own parser: a worker lives for one file.

async function readShare(job: ExtractJob, share: PdfShare): Promise<ExtractReply> {
  const { compilePdfium, startPdfium } = await import("./pdfium.ts");
  const { readPdf } = await import("./pdf.ts");
  const pdfium = await startPdfium(await compilePdfium(), job.limits.memoryBytes);
  return { kind: "pdf", part: readPdf(job, share, pdfium) };
}

async function extract(job: ExtractJob): Promise<ExtractedDocument> {
  const { format, language } = job.detected;
  const bytes = readFileSync(job.path);
  switch (format) {
    case "docx":
    case "pptx":
    case "xlsx":
      return (await import("./office.ts")).extractOffice(bytes, format, job);
    case "html":
      return (await import("./html.ts")).extractHtml(bytes, job.name);
    case "markdown":
      return (await import("./text.ts")).extractMarkdown(bytes, job.name);
    case "code":
      return (await import("./text.ts")).extractCode(bytes, job.name, language);
    default:
      return (await import("./text.ts")).extractText(bytes, job.name);
  }
}

process.once("message", async (job) => process.send?.(await work(job as ExtractJob)));
// The parent ends this process when it has the reply. When the parent is gone there is nobody to work for.
process.once("disconnect", () => process.exit());
