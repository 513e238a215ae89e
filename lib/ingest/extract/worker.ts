import { readFileSync } from "node:fs";
import { errorMessage, FileRefused } from "../../errors.ts";
import type { ExtractJob, ExtractReply, PdfShare } from "./job.ts";

/**
 * A worker process's whole life: one job in, one reply out. What goes wrong while it loads its parser is our fault and
 * ends it with an error; what goes wrong after that is the file's.
 */
async function work(job: ExtractJob): Promise<void> {
  const parse = await load(job);
  const refuse = (error: unknown) => process.send?.(refusal(error, job));
  // A parser may also throw where nobody waits for it.
  process.on("uncaughtException", refuse);
  try {
    process.send?.(await parse());
  } catch (error) {
    refuse(error);
  }
}

/** Each format loads its own parser alone, since a worker lives for one file. */
async function load(job: ExtractJob): Promise<() => ExtractReply | Promise<ExtractReply>> {
  const { name, detected, share } = job;
  if (share) return loadPdf(job, share);
  const bytes = readFileSync(job.path);
  switch (detected.format) {
    case "docx":
    case "pptx":
    case "xlsx": {
      const { format } = detected;
      const { extractOffice } = await import("./office.ts");
      return async () => ({ kind: "document", document: await extractOffice(bytes, format, job) });
    }
    case "html": {
      const { extractHtml } = await import("./html.ts");
      return () => ({ kind: "document", document: extractHtml(bytes, name) });
    }
    default: {
      const { extractPlain } = await import("./text.ts");
      return () => ({ kind: "document", document: extractPlain(bytes, name, detected) });
    }
  }
}

async function loadPdf(job: ExtractJob, share: PdfShare): Promise<() => ExtractReply> {
  const { compilePdfium, startPdfium } = await import("./pdfium.ts");
  const { readPdf } = await import("./pdf.ts");
  const pdfium = await startPdfium(await compilePdfium(), job.limits.memoryBytes);
  return () => ({ kind: "pdf", part: readPdf(job, share, pdfium) });
}

function refusal(error: unknown, { name }: ExtractJob): ExtractReply {
  if (error instanceof FileRefused) {
    const { code, message, context } = error;
    return { kind: "refused", code, message, context };
  }
  const message = "The file is damaged and cannot be read. Save it again and upload that.";
  const context = { name, cause: errorMessage(error) };
  return { kind: "refused", code: "corrupt", message, context };
}

process.once("message", (job) => work(job as ExtractJob));
// The parent ends this process when it has the reply. When the parent is gone there is nobody to work for.
process.once("disconnect", () => process.exit());
