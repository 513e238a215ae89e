import { closeSync, openSync, readSync } from "node:fs";
import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument } from "../document.ts";
import { cleanLine, cleanProse } from "./clean.ts";
import type { ExtractJob } from "./job.ts";
import { assemblePdf, type PdfPage, type PdfText } from "./pdf-headings.ts";
import type { LoadedPdfium, Pdfium } from "./pdfium.ts";

/** FPDF_GetLastError (public/fpdfview.h): the password is wrong, or the security scheme is unknown. */
const PASSWORD_ERRORS: readonly number[] = [4, 5];

/** Room for a rectangle (4 floats) and a matrix (6 floats). */
const SCRATCH_BYTES = 40;

/**
 * Reads a PDF. Each page is closed before the next is opened, so PDFium's memory does not grow with pages.
 * Throws FileRefused: `corrupt`, `encrypted`, `too_large`, `too_much_memory`, `needs_ocr`, `empty`.
 */
export function extractPdf(job: ExtractJob, pdfium: LoadedPdfium): ExtractedDocument {
  const { api } = pdfium;
  const data = api.malloc(job.size);
  if (data === 0) throw tooMuchMemory(job);
  readInto(api, data, job);
  refuseCutOff(api, data, job);
  const document = api.FPDF_LoadMemDocument64(data, job.size, 0);
  if (document === 0) throw pdfium.outOfMemory() ? tooMuchMemory(job) : refusal(api, job);
  try {
    const read = readPages(api, document, job);
    if (pdfium.outOfMemory()) throw tooMuchMemory(job);
    return assemblePdf(read, job.name);
  } finally {
    api.FPDF_CloseDocument(document);
    api.free(data);
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

function readPages(api: Pdfium, document: number, job: ExtractJob): PdfText {
  const pageCount = api.FPDF_GetPageCount(document);
  if (pageCount > job.limits.pages) {
    const message = `The PDF has ${pageCount} pages, ${job.limits.pages} are allowed. Split it.`;
    throw new FileRefused("too_large", message, { name: job.name, pageCount });
  }
  const reader = new PageReader(api, document, job);
  try {
    const pages: PdfPage[] = [];
    for (let index = 0; index < pageCount; index++) {
      const page = reader.read(index);
      if (page) pages.push(page);
    }
    return { pageCount, title: reader.title(), pages, hasContent: reader.hasContent };
  } finally {
    reader.free();
  }
}

/** Reads pages one by one through buffers that are allocated once. */
class PageReader {
  hasContent = false;
  readonly #api: Pdfium;
  readonly #document: number;
  readonly #job: ExtractJob;
  readonly #scratch: number;
  #buffer = 0;
  #capacity = 0;
  #textLength = 0;

  constructor(api: Pdfium, document: number, job: ExtractJob) {
    this.#api = api;
    this.#document = document;
    this.#job = job;
    this.#scratch = api.malloc(SCRATCH_BYTES);
  }

  free(): void {
    this.#api.free(this.#buffer);
    this.#api.free(this.#scratch);
  }

  /** The document's title from its metadata; empty when there is none. */
  title(): string {
    const buffer = this.#reserve(1024);
    const view = Buffer.from(this.#api.memory.buffer, this.#scratch, 6);
    view.write("Title\0", "latin1");
    const bytes = this.#api.FPDF_GetMetaText(this.#document, this.#scratch, buffer, 1024);
    return bytes > 2 && bytes <= 1024 ? cleanLine(this.#string(bytes / 2 - 1)) : "";
  }

  /** The page at `index` (from 0), or null when it has no text. */
  read(index: number): PdfPage | null {
    const page = this.#api.FPDF_LoadPage(this.#document, index);
    if (page === 0) {
      const message = `Page ${index + 1} of the PDF is damaged. Save the PDF again and upload it.`;
      throw new FileRefused("corrupt", message, { name: this.#job.name, page: index + 1 });
    }
    const textPage = this.#api.FPDFText_LoadPage(page);
    try {
      this.hasContent ||= this.#api.FPDFPage_CountObjects(page) > 0;
      return textPage === 0 ? null : this.#readText(textPage, index + 1);
    } finally {
      if (textPage !== 0) this.#api.FPDFText_ClosePage(textPage);
      this.#api.FPDF_ClosePage(page);
    }
  }

  #readText(textPage: number, number: number): PdfPage | null {
    const chars = this.#api.FPDFText_CountChars(textPage);
    if (chars <= 0) return null;
    this.#textLength += chars;
    if (this.#textLength > this.#job.limits.textLength) {
      const message = `The PDF holds more than ${this.#job.limits.textLength} characters. Split it.`;
      throw new FileRefused("too_large", message, { name: this.#job.name });
    }
    const buffer = this.#reserve((chars + 1) * 2);
    const written = this.#api.FPDFText_GetText(textPage, 0, chars, buffer);
    const raw = this.#string(Math.max(0, written - 1));
    return raw.trim() === "" ? null : this.#layOut(textPage, number, raw);
  }

  /** Splits a page's text into lines and puts a blank line where the gap to the line before is a paragraph's. */
  #layOut(textPage: number, number: number, raw: string): PdfPage | null {
    const found: Line[] = [];
    let at = 0;
    for (const rawLine of raw.split("\r\n")) {
      const text = cleanProse(rawLine).replaceAll("\n", " ").trim();
      if (text) found.push({ text, ...this.#measure(textPage, at + rawLine.search(/\S/)) });
      at += rawLine.length + 2;
    }
    if (found.length === 0) return null;
    const lines: string[] = [];
    const sizes: number[] = [];
    const usualGap = medianGap(found);
    found.forEach((line, index) => {
      const before = found[index - 1];
      if (before && startsParagraph(before, line, usualGap)) {
        lines.push("");
        sizes.push(0);
      }
      lines.push(line.text);
      sizes.push(line.size);
    });
    return { number, text: lines.join("\n"), sizes: Float32Array.from(sizes) };
  }

  /** Position and type size of the character at a text index. A font's nominal size is scaled by its text matrix. */
  #measure(textPage: number, textIndex: number): Omit<Line, "text"> {
    const api = this.#api;
    const index = api.FPDFText_GetCharIndexFromTextIndex(textPage, textIndex);
    api.FPDFText_GetLooseCharBox(textPage, index, this.#scratch);
    api.FPDFText_GetMatrix(textPage, index, this.#scratch + 16);
    const view = new Float32Array(api.memory.buffer, this.#scratch, 10);
    const [, top = 0, , bottom = 0, , , c = 0, d = 1] = view;
    return { top, bottom, size: api.FPDFText_GetFontSize(textPage, index) * Math.hypot(c, d) };
  }

  #reserve(bytes: number): number {
    if (bytes > this.#capacity) {
      this.#api.free(this.#buffer);
      this.#capacity = bytes * 2;
      this.#buffer = this.#api.malloc(this.#capacity);
      if (this.#buffer === 0) throw tooMuchMemory(this.#job);
    }
    return this.#buffer;
  }

  #string(units: number): string {
    return Buffer.from(this.#api.memory.buffer, this.#buffer, units * 2).toString("utf16le");
  }
}

interface Line {
  readonly text: string;
  readonly top: number;
  readonly bottom: number;
  readonly size: number;
}

function medianGap(lines: readonly Line[]): number {
  const gaps = lines.slice(1).map((line, index) => (lines[index]?.bottom ?? 0) - line.top);
  const down = gaps.filter((gap, index) => gap > -(lines[index]?.size ?? 0)).sort((a, b) => a - b);
  return down[Math.floor(down.length / 2)] ?? 0;
}

function startsParagraph(before: Line, line: Line, usualGap: number): boolean {
  const gap = before.bottom - line.top;
  const larger = Math.max(before.size, line.size);
  const smaller = Math.min(before.size, line.size);
  return gap > Math.max(0, usualGap) + 0.35 * line.size || larger > smaller * 1.15;
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

function tooMuchMemory(job: ExtractJob): FileRefused {
  const message = `Reading the PDF takes more than ${job.limits.memoryBytes} bytes of memory. Split it.`;
  return new FileRefused("too_much_memory", message, { name: job.name });
}
