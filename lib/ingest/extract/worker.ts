import { readFileSync } from "node:fs";
import type { ExtractedDocument } from "../document.ts";
import { collectSoon } from "./collect.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";
import { refusal } from "./refusal.ts";

/** The job that is being parsed: what goes wrong now is its file's doing. */
let parsing: ExtractJob | undefined;

/**
 * Answers one job. What goes wrong while the parser is loaded is our fault and ends the process with an error; what goes
 * wrong after that is the file's.
 */
async function work(job: ExtractJob): Promise<void> {
  parsing = undefined;
  const parse = await load(job);
  parsing = job;
  try {
    answer({ kind: "document", document: await parse() });
  } catch (error) {
    answer(refusal(error, job));
  }
}

function answer(reply: ExtractReply): void {
  process.send?.(reply);
}

/** Each format loads its own parser alone: they are large, and most workers need but one. */
async function load(job: ExtractJob): Promise<() => Promise<ExtractedDocument>> {
  const { detected, name, path } = job;
  switch (detected.format) {
    case "pdf": {
      const { pdfReader } = await import("./pdf-threads.ts");
      return pdfReader(job);
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

// A parser may also throw where nobody waits for it.
process.on("uncaughtException", (error) => {
  if (!parsing) throw error;
  answer(refusal(error, parsing));
});
process.on("message", async (job) => {
  await work(job as ExtractJob);
  collectSoon();
});
// The parent ends this process when it has no more jobs for it. When the parent is gone there is nobody to work for.
process.once("disconnect", () => process.exit());
