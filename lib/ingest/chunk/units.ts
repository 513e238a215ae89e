import type { Format } from "../document.ts";
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

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const FENCE = /^[ \t]*(?:(`{3,})[^`]*$|(~{3,}))/;
const ROW = /^ {0,3}\|/;
/** Enough of a line to see what it is, however long it goes on. */
const HEAD_LENGTH = 512;
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
  /** The fence that was seen last, and whether its lines are read one by one because it is too large to keep whole. */
  #fence = { start: -1, end: -1, unpacked: false };
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
    const inFence = start >= this.#fence.start && start < this.#fence.end;
    const inner = inFence && this.#fence.unpacked;
    const breakBefore = this.#breakBefore(line, this.#code || inner);
    if (this.#code || inner) return { kind: "code", start, end, next, breakBefore };

    const atLineStart = start === 0 || this.text.charCodeAt(start - 1) === 0x0a;
    const head = this.text.slice(start, Math.min(end, start + HEAD_LENGTH));
    if (this.#markdown && atLineStart) {
      const hashes = HEADING.exec(head);
      if (hashes !== null) {
        const title = head.slice(hashes[0].length).replace(/(?<![ \t])[ \t]+#+$/, "");
        const heading = { level: (hashes[1] ?? "").length, title };
        return { kind: "heading", start, end, next, breakBefore, heading };
      }
      const opening = FENCE.exec(head);
      if (opening !== null) {
        if (!inFence) this.#findFence(line, opening[1] ?? opening[2] ?? "");
        const fenceEnd = this.#fence.end;
        const last = trimEnd(this.text, start, fenceEnd);
        return { kind: "fence", start, end: last, next: fenceEnd, breakBefore };
      }
      if (ROW.test(head)) return { kind: "row", start, end, next, breakBefore };
    }
    return { kind: "prose", start, end, next, breakBefore };
  }

  /** From now on the lines of this fence are read one by one. */
  unpack(fence: Unit): void {
    this.#fence = { start: fence.start, end: fence.next, unpacked: true };
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

  /** A fence ends with a line of at least as many of the same marks; one that is not closed ends with its page. */
  #findFence(opening: Line, marks: string): void {
    const pageEnd = this.#pages.endOf(opening.start);
    const closing = new RegExp(`^[ \\t]*${marks.charAt(0)}{${marks.length},}[ \\t]*$`);
    let at = opening.next;
    while (at < pageEnd) {
      const newline = this.text.indexOf("\n", at);
      const next = newline === -1 ? pageEnd : newline + 1;
      const found = next - at <= HEAD_LENGTH && closing.test(this.text.slice(at, next).trimEnd());
      at = next;
      if (found) break;
    }
    this.#fence = { start: opening.start, end: Math.min(at, pageEnd), unpacked: false };
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

function isIndent(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === 0x20 || unit === 0x09;
}
