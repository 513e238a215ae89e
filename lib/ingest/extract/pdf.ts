import { closeSync, openSync, readSync } from "node:fs";
import { FileRefused } from "../../errors.ts";
import type { ExtractJob } from "./job.ts";
import type { PdfPage, PdfText } from "./pdf-headings.ts";
import { PageReader, tooMuchMemory } from "./pdf-page.ts";
import type { LoadedPdfium, Pdfium } from "./pdfium.ts";

/** FPDF_GetLastError (public/fpdfview.h): the password is wrong, or the security scheme is unknown. */
const PASSWORD_ERRORS: readonly number[] = [4, 5];

/** Pages that a reader takes at a time. */
const BATCH = 8;

/** Makes what readers of one document take their pages from; threads may share it. */
export function pageQueue(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/**
 * A PDF that is open for reading, in a PDFium that is its own: nothing is closed or freed but pages, the rest goes with
 * the PDFium. Each page is closed before the next is opened, so its memory does not grow with pages. Opening and reading throw FileRefused: `corrupt`, `encrypted`, `too_large`, `too_much_memory`.
 */
export class OpenPdf {
  readonly pageCount: number;
  readonly #pdfium: LoadedPdfium;
  readonly #job: ExtractJob;
  readonly #document: number;

  constructor(job: ExtractJob, pdfium: LoadedPdfium) {
    const { api } = pdfium;
    this.#pdfium = pdfium;
    this.#job = job;
    const data = api.malloc(job.size);
    if (data === 0) throw tooMuchMemory(job);
    readInto(api, data, job);
    refuseCutOff(api, data, job);
    this.#document = api.FPDF_LoadMemDocument64(data, job.size, 0);
    if (this.#document === 0) throw pdfium.outOfMemory() ? tooMuchMemory(job) : refusal(api, job);
    this.pageCount = api.FPDF_GetPageCount(this.#document);
    if (this.pageCount > job.limits.pages) {
      const message = `The PDF has ${this.pageCount} pages, ${job.limits.pages} are allowed. Split it.`;
      throw new FileRefused("too_large", message, { name: job.name, pageCount: this.pageCount });
    }
  }

  /** Reads the pages that are left in `queue`, as far as no other reader takes them. */
  read(queue: Int32Array): PdfText {
    const { pageCount } = this;
    const reader = new PageReader(this.#pdfium.api, this.#document, this.#job);
    const pages: PdfPage[] = [];
    for (;;) {
      const from = Atomics.add(queue, 0, BATCH);
      if (from >= pageCount) break;
      for (let index = from; index < Math.min(from + BATCH, pageCount); index++) {
        const page = reader.read(index);
        if (page) pages.push(page);
      }
    }
    const title = reader.title();
    if (this.#pdfium.outOfMemory()) throw tooMuchMemory(this.#job);
    return { pageCount, title, pages, hasContent: reader.hasContent };
  }
}

/** Straight from the disk into PDFium's memory: the file is never on the JavaScript side. */
function readInto(api: Pdfium, data: number, job: ExtractJob): void {
  const file = openSync(job.path, "r");
  try {
    const target = new Uint8Array(api.memory.buffer, data, job.size);
    let at = 0;
    while (at < job.size) {
      const read = readSync(file, target, at, job.size - at, at);
      if (read === 0) break;
      at += read;
    }
  } finally {
    closeSync(file);
  }
}

const TRAILER_WINDOW = 4096;

/** PDFium repairs a file that was cut off by dropping what is gone. Silently losing pages is worse than refusing. */
function refuseCutOff(api: Pdfium, data: number, job: ExtractJob): void {
  const bytes = Buffer.from(api.memory.buffer, data, job.size);
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end--;
  if (bytes.subarray(Math.max(0, end - TRAILER_WINDOW), end).includes("startxref")) return;
  const message = "The PDF is cut off: its end is missing. Upload it again from the original.";
  throw new FileRefused("corrupt", message, { name: job.name });
}

function refusal(api: Pdfium, job: ExtractJob): FileRefused {
  const code = api.FPDF_GetLastError();
  if (PASSWORD_ERRORS.includes(code)) {
    const message = "The PDF is protected by a password. Remove the password and upload it again.";
    return new FileRefused("encrypted", message, { name: job.name });
  }
  const message = "The PDF is damaged and cannot be opened. Save it again and upload that.";
  return new FileRefused("corrupt", message, { name: job.name, pdfiumError: code });
}
