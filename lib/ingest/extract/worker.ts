import { readFileSync } from "node:fs";
import { errorMessage, FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";

/**
 * A worker process's whole life: one job in, one reply out. What goes wrong while it loads its parser is our fault and
 * ends it with an error; what goes wrong after that is the file's.
 */
async function work(job: ExtractJob): Promise<void> {
  const parse = await load(job);
  const answer = (reply: ExtractReply) => process.send?.(reply);
  const refuse = (error: unknown) => answer(refusal(error, job));
  // A parser may also throw where nobody waits for it.
  process.on("uncaughtException", refuse);
  try {
    answer({ kind: "document", document: await parse() });
  } catch (error) {
    refuse(error);
  }
}

/** Each format loads its own parser alone, since a worker lives for one file. */
async function load(job: ExtractJob): Promise<() => Promise<ExtractedDocument>> {
  const { detected, name, path } = job;
  switch (detected.format) {
    case "pdf": {
      const { compilePdfium, startPdfium } = await import("./pdfium.ts");
      const { extractPdf } = await import("./pdf.ts");
      const pdfium = await startPdfium(await compilePdfium(), job.limits.memoryBytes);
      return async () => extractPdf(job, pdfium);
    }
    case "docx":
    case "pptx":
    case "xlsx": {
      const { format } = detected;
      const { extractOffice } = await import("./office.ts");
      return async () => extractOffice(readFileSync(path), format, job);
    }
    case "html": {
      const { extractHtml } = await import("./html.ts");
      return async () => extractHtml(readFileSync(path), name);
    }
    default: {
      const { extractPlain } = await import("./text.ts");
      return async () => extractPlain(readFileSync(path), name, detected);
    }
  }
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
