import { FileRefused } from "../../errors.ts";
import { cleanLine, cleanProse } from "./clean.ts";
import type { ExtractJob } from "./job.ts";
import type { PdfPage } from "./pdf-headings.ts";
import type { Pdfium } from "./pdfium.ts";

/** Room for a rectangle (4 floats) and a matrix (6 floats). */
const SCRATCH_BYTES = 40;

/** Reads pages one by one through buffers that are allocated once. */
export class PageReader {
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
    return this.#layOut(textPage, number, this.#string(Math.max(0, written - 1)));
  }

  /** Splits a page's text into lines and puts a blank line where the gap to the line before is a paragraph's. */
  #layOut(textPage: number, number: number, raw: string): PdfPage | null {
    const found: Line[] = [];
    let at = 0;
    for (const rawLine of raw.split("\r\n")) {
      const text = cleanProse(rawLine).replaceAll("\n", " ").trim();
      if (text) found.push(this.#measure(text, textPage, at + rawLine.search(/\S/)));
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
    return { number, lines, sizes };
  }

  /** A line with the position and type size of its character at a text index. A text matrix scales a font's nominal size. */
  #measure(text: string, textPage: number, textIndex: number): Line {
    const api = this.#api;
    const index = api.FPDFText_GetCharIndexFromTextIndex(textPage, textIndex);
    api.FPDFText_GetLooseCharBox(textPage, index, this.#scratch);
    api.FPDFText_GetMatrix(textPage, index, this.#scratch + 16);
    const view = new DataView(api.memory.buffer, this.#scratch, SCRATCH_BYTES);
    const float = (at: number) => view.getFloat32(at * 4, true);
    const scale = Math.hypot(float(6), float(7));
    const size = api.FPDFText_GetFontSize(textPage, index) * scale;
    return { text, top: float(1), bottom: float(3), size };
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

  /** What is in the buffer. Text without a character past U+00FF, which most is, becomes a string of half the size. */
  #string(units: number): string {
    const wide = new Uint16Array(this.#api.memory.buffer, this.#buffer, units);
    const narrow = Buffer.allocUnsafe(units);
    for (let i = 0; i < units; i++) {
      const unit = wide[i] ?? 0;
      if (unit > 0xff)
        return Buffer.from(wide.buffer, wide.byteOffset, units * 2).toString("utf16le");
      narrow[i] = unit;
    }
    return narrow.toString("latin1");
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

export function tooMuchMemory(job: ExtractJob): FileRefused {
  const message = `Reading the PDF takes more than ${job.limits.memoryBytes} bytes of memory. Split it.`;
  return new FileRefused("too_much_memory", message, { name: job.name });
}
