import { FileRefused } from "../../errors.ts";
import type { ExtractedDocument, ExtractedPage } from "../document.ts";
import { firstHeading } from "../markdown.ts";
import { escapeStructure } from "./clean.ts";

/** A page as read: its lines, blank ones between paragraphs, and the type size of each in points (0 for blank ones). */
export interface PdfPage {
  readonly number: number;
  readonly lines: readonly string[];
  readonly sizes: readonly number[];
}

/** What was read of a PDF before anything is known about its headings. */
export interface PdfText {
  readonly pageCount: number;
  /** From the metadata; empty when there is none. */
  readonly title: string;
  /** The pages that have text. */
  readonly pages: readonly PdfPage[];
  /** Whether any page has something on it, be it text, image or drawing. */
  readonly hasContent: boolean;
}

/** How much larger than the body's a line's type must be to make it a heading. */
const HEADING_RATIO = 1.15;
const MAX_HEADING_LENGTH = 160;
const MAX_LEVEL = 6;

/**
 * Makes a document of a PDF's text and marks its headings: short lines set in larger type than most of the text, the
 * largest being level 1. A PDF does not say what is a heading, and size is the one sign that is cheap and mostly right.
 * Throws FileRefused `needs_ocr` or `empty` when there is no text at all.
 */
export function assemblePdf(read: PdfText, name: string): ExtractedDocument {
  if (read.pages.length === 0) throw withoutText(read.hasContent, name);
  const levels = headingLevels(read.pages);
  const pages = read.pages.map((page) => toMarkdown(page, levels));
  const title = read.title || firstHeading(pages[0]?.text ?? "");
  return { format: "pdf", ...(title && { title }), pageCount: read.pageCount, pages };
}

function withoutText(hasContent: boolean, name: string): FileRefused {
  if (!hasContent) {
    const message = "The PDF has no content. Upload the document that was meant.";
    return new FileRefused("empty", message, { name });
  }
  const message = "The PDF is a scan: its pages are images without text.";
  return new FileRefused("needs_ocr", `${message} Run text recognition on it and upload that.`, {
    name,
  });
}

/** Heading level by type size, sizes rounded to half points so that rounding in the file does not make new levels. */
function headingLevels(pages: readonly PdfPage[]): ReadonlyMap<number, number> {
  const charsBySize = new Map<number, number>();
  const candidates = new Set<number>();
  for (const page of pages) {
    page.lines.forEach((line, index) => {
      if (line === "") return;
      const size = sizeOf(page, index);
      charsBySize.set(size, (charsBySize.get(size) ?? 0) + line.length);
      if (!candidates.has(size) && couldBeHeading(line)) candidates.add(size);
    });
  }
  let body = 0;
  for (const [size, chars] of charsBySize) {
    if (chars > (charsBySize.get(body) ?? 0)) body = size;
  }
  const sizes = [...candidates].filter((size) => size >= body * HEADING_RATIO);
  sizes.sort((a, b) => b - a);
  return new Map(sizes.map((size, index) => [size, Math.min(index + 1, MAX_LEVEL)]));
}

function sizeOf(page: PdfPage, index: number): number {
  return Math.round((page.sizes[index] ?? 0) * 2) / 2;
}

function couldBeHeading(line: string): boolean {
  return line.length <= MAX_HEADING_LENGTH && /\p{L}/u.test(line) && !/[,;]$/.test(line);
}

function toMarkdown(page: PdfPage, levels: ReadonlyMap<number, number>): ExtractedPage {
  const lines: string[] = [];
  let open: { level: number; text: string } | null = null;
  const close = () => {
    if (open) lines.push(`${"#".repeat(open.level)} ${open.text}`);
    open = null;
  };
  page.lines.forEach((line, index) => {
    const ofSize = levels.get(sizeOf(page, index));
    const level = ofSize && couldBeHeading(line) ? ofSize : undefined;
    if (open && level === open.level) {
      // A heading that was broken over two lines is one heading.
      open = { level, text: `${open.text} ${line}` };
      return;
    }
    close();
    if (level) open = { level, text: line };
    else lines.push(escapeStructure(line));
  });
  close();
  return { number: page.number, text: lines.join("\n") };
}
