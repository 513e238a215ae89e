import type { Format } from "../document.ts";
import { fenceEnd, fenceOf, HEAD_LENGTH, headingOf } from "../markdown.ts";
import type { PageTexts } from "./pages.ts";
import { isBlank, skipBlank, trimEnd } from "./text.ts";

/** The smallest part of a document that is kept whole when it fits: a line, or a fenced block with all its lines. */
export interface Unit {
  readonly kind: "heading" | "fence" | "row" | "prose" | "code";
  /** Where the text starts (with its indentation) and ends (without trailing blanks), in units of the joined text. */
  readonly start: number;
  readonly end: number;
  /** Where to read on. */
  readonly next: number;
  /** How good a place before this unit is for a new chunk: 0 the middle of something, 3 a new paragraph or declaration. */
  readonly breakBefore: number;
  /** Only of headings. */
  readonly heading?: { readonly level: number; readonly title: string };
}

interface Line {
  readonly start: number;
  readonly text: number;
  readonly end: number;
  readonly next: number;
}

const ROW = /^ {0,3}\|/;
/** More indentation than this is not kept: it is layout, and would fill a chunk. */
const MAX_INDENT = 128;
/** Lines that end a declaration or continue one, so that a chunk does not start with them. */
const CLOSER = /^(?:[)\]}>]|end\b|else\b|elif\b|except\b|catch\b|finally\b)/;
const SENTENCE_END = /[.!?:。！？｡][)\]}"'”’»」』）]*$/;

/** Reads a document's units in order; any position that a unit gave as `start` or `next` can be read from again. */
export class UnitReader {
  readonly text: string;
  readonly #pages: PageTexts;
  readonly #markdown: boolean;
  readonly #code: boolean;
  readonly #breaks: ReadonlyMap<number, number> | undefined;
  /** The fence that was seen last. */
  #fence = { start: -1, end: -1 };
  /** The one whose lines are read one by one because it is too large to keep whole: known when the one behind it was seen, too. */
  #unpacked = { start: -1, end: -1 };
  /** The line that was seen last: finding the end of a very long line again for each of its parts would be quadratic. */
  #line = { from: 0, end: -1, next: -1 };

  /** `breaks`: how good a place the first non-blank of a line is for a new chunk, where something knows better than the lines. */
  constructor(format: Format, pages: PageTexts, breaks?: ReadonlyMap<number, number>) {
    this.#breaks = breaks;
    this.text = pages.text;
    this.#pages = pages;
    this.#code = format === "code";
    this.#markdown = !this.#code && format !== "text";
  }

  /** The first unit at or after `position`; undefined when only blanks are left. */
  read(position: number): Unit | undefined {
    const line = this.#lineAt(position);
    if (line === undefined) return undefined;
    const { start, end, next } = line;
    const inner = isIn(this.#unpacked, start);
    const breakBefore = this.#breakBefore(line, this.#code || inner);
    if (this.#code || inner) return { kind: "code", start, end, next, breakBefore };

    const atLineStart = start === 0 || this.text.charCodeAt(start - 1) === 0x0a;
    const head = this.text.slice(start, Math.min(end, start + HEAD_LENGTH));
    if (this.#markdown && atLineStart) {
      const heading = headingOf(head);
      if (heading !== null) return { kind: "heading", start, end, next, breakBefore, heading };
      const marks = fenceOf(head);
      if (marks !== null) {
        if (!isIn(this.#fence, start)) this.#findFence(line, marks);
        const behind = this.#fence.end;
        const last = trimEnd(this.text, start, behind);
        return { kind: "fence", start, end: last, next: behind, breakBefore };
      }
      if (ROW.test(head)) return { kind: "row", start, end, next, breakBefore };
    }
    return { kind: "prose", start, end, next, breakBefore };
  }

  /** From now on the lines of this fence are read one by one. */
  unpack(fence: Unit): void {
    this.#unpacked = { start: fence.start, end: fence.next };
  }

  #lineAt(position: number): Line | undefined {
    const text = skipBlank(this.text, position, this.text.length);
    if (text >= this.text.length) return undefined;
    if (text < this.#line.from || text >= this.#line.next) {
      const newline = this.text.indexOf("\n", text);
      const next = newline === -1 ? this.text.length : newline + 1;
      this.#line = { from: text, end: trimEnd(this.text, text, next), next };
    }
    let start = text;
    const first = Math.max(position, text - MAX_INDENT);
    while (start > first && isIndent(this.text, start - 1)) start--;
    // Past MAX_INDENT, or in the middle of a line: without the blanks.
    const indented = start === 0 || this.text.charCodeAt(start - 1) === 0x0a;
    return { start: indented ? start : text, text, end: this.#line.end, next: this.#line.next };
  }

  /** A fence that is not closed ends with its page. */
  #findFence({ start, next }: Line, marks: string): void {
    this.#fence = { start, end: fenceEnd(this.text, marks, next, this.#pages.endOf(start)) };
  }

  #breakBefore(line: Line, code: boolean): number {
    if (this.#breaks) return this.#breaks.get(line.text) ?? 0;
    let at = line.start - 1;
    let newlines = 0;
    // Two line ends make a blank line; more of them say nothing new.
    for (; at >= 0 && newlines < 2 && isBlank(this.text, at); at--) {
      if (this.text.charCodeAt(at) === 0x0a) newlines++;
    }
    const blankLine = newlines >= 2;
    if (code) {
      const head = this.text.slice(line.text, Math.min(line.end, line.text + 16));
      const topLevel = line.start === line.text && !CLOSER.test(head);
      return (blankLine ? 2 : 0) + (topLevel ? 1 : 0);
    }
    if (blankLine || this.#pages.startsAt(line.start)) return 3;
    return SENTENCE_END.test(this.text.slice(Math.max(0, at - 7), at + 1)) ? 1 : 0;
  }
}

function isIn({ start, end }: { start: number; end: number }, at: number): boolean {
  return at >= start && at < end;
}

function isIndent(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 0x20 || unit === 0x09;
}
