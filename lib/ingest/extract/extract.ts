import { open } from "node:fs/promises";
import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import { detectFormat } from "./detect.ts";
import { DEFAULT_LIMITS, type ExtractLimits } from "./limits.ts";
import { runInWorker } from "./run-worker.ts";

/** A file to read. */
export interface ExtractInput {
  /** Where its bytes are. The name there says nothing. */
  readonly path: string;
  /** The name that it was uploaded under. */
  readonly name: string;
  readonly mimeType?: string;
}

/**
 * Reads a document's text and structure. The format is told by content first and name second; the parser runs in a
 * worker process under `limits`, so that no file can take the process down.
 * Throws FileRefused for every file that can never be read as it is: `unsupported`, `too_large`, `empty`, `encrypted`,
 * `corrupt`, `needs_ocr`, `expands_too_much`, `too_slow`, `too_much_memory`.
 */
export async function extractFile(
  input: ExtractInput,
  limits: Partial<ExtractLimits> = {},
): Promise<ExtractedDocument> {
  const { path, name, mimeType } = input;
  const allowed = { ...DEFAULT_LIMITS, ...limits };
  await using file = await open(path, "r");
  const { size } = await file.stat();
  refuseSize(size, name, allowed);
  const detected = await detectFormat({ file, size, name, mimeType }, allowed);
  const document = await runInWorker({ path, name, size, detected, limits: allowed });
  refuseText(document, name, allowed);
  return document;
}

function refuseSize(size: number, name: string, limits: ExtractLimits): void {
  if (size === 0) {
    throw new FileRefused("empty", "The file has 0 bytes. Upload it again.", { name });
  }
  if (size > limits.inputBytes) {
    const message = `The file has ${size} bytes, ${limits.inputBytes} are allowed. Split it.`;
    throw new FileRefused("too_large", message, { name, size });
  }
}

function refuseText(document: ExtractedDocument, name: string, limits: ExtractLimits): void {
  const length = document.pages.reduce((sum, page) => sum + page.text.length, 0);
  if (length > limits.textLength) {
    const message = `The document holds ${length} characters of text, ${limits.textLength} are allowed. Split it.`;
    throw new FileRefused("too_large", message, { name, length });
  }
  if (length === 0) {
    const message = "The document has no text. Upload the document that was meant.";
    throw new FileRefused("empty", message, { name });
  }
}
