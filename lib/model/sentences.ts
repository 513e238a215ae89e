/** A sentence, list item or table row where it stands in its text: `[start, end)` in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** More is no sentence but a missing full stop: cut, so that a statement stays readable. */
const MAX_CHARS = 480;
/** Lines that say nothing by themselves: blank ones, headings, rules, borders of tables. */
const SILENT = /^(?:\s*#{1,6}\s.*|[-=*_|:+\s]*)$/;
const BORDER = /^[\s:|-]+$/;
/** Where a block of code begins or ends, which is made of other things than sentences. */
const FENCE = /^\s*(?:```|~~~)/;
/** Lines that begin something new, whatever stands before them. */
const ITEM = /^\s*(?:[-*+•]\s|\d{1,3}[.)]\s|\||>)/;
/** The end of a sentence: before a blank, or at once where the script has no blanks. */
const STOP = /[.!?…]["')\]”’»]*(?=\s)|[。！？｡][」』）”’]*/gu;
/** What ends with a full stop and ends no sentence. */
const ABBREVIATION =
  /(?:^|[\s(])(?:e\.g|i\.e|cf|etc|vs|no|fig|sec|dr|mr|mrs|ms|st|[a-z]|\d{1,3})\.$/i;

/**
 * Where the sentences of a text are, in order and without overlap. Lines of a paragraph belong together, as PDF breaks them
 * anywhere; list items and table rows are each by themselves; headings and code are none. Depends on nothing but the text.
 */
export function sentences(text: string): Span[] {
  return blocks(text).flatMap((block) => cut(text, block));
}

/** Runs of lines without a blank line, heading or new item between them. */
function blocks(text: string): Span[] {
  const found: { start: number; end: number }[] = [];
  let open = false;
  let code = false;
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    const last = found.at(-1);
    if (FENCE.test(line)) code = !code;
    // What stands above the border of a table names its columns.
    if (isBorder(line) && last?.end === at - 1) found.pop();
    if (code || FENCE.test(line) || SILENT.test(line)) open = false;
    else if (open && last && !ITEM.test(line)) last.end = end;
    else {
      found.push({ start: at, end });
      open = true;
    }
    at = end + 1;
  }
  return found;
}

function isBorder(line: string): boolean {
  return line.includes("|") && line.includes("-") && BORDER.test(line);
}

function cut(text: string, block: Span): Span[] {
  const inside = text.slice(block.start, block.end);
  const found: Span[] = [];
  let start = 0;
  for (const stop of inside.matchAll(STOP)) {
    const end = stop.index + stop[0].length;
    if (stop[0].startsWith(".") && ABBREVIATION.test(inside.slice(Math.max(start, end - 8), end)))
      continue;
    found.push({ start, end });
    start = end;
  }
  found.push({ start, end: inside.length });
  return found.flatMap((span) => trimmed(text, block.start + span.start, block.start + span.end));
}

/** Without blanks around it, and not longer than a statement may be: cut between words, never inside a character. */
function trimmed(text: string, from: number, to: number): Span[] {
  const raw = text.slice(from, to);
  const start = from + (raw.length - raw.trimStart().length);
  let end = from + raw.trimEnd().length;
  if (end <= start) return [];
  if (end - start > MAX_CHARS) {
    const head = text.slice(start, start + MAX_CHARS);
    const blank = head.search(/\s\S*$/);
    end = start + (blank > MAX_CHARS / 2 ? blank : wholeCharacters(head));
  }
  return [{ start, end }];
}

function wholeCharacters(text: string): number {
  return /[\uD800-\uDBFF]$/.test(text) ? text.length - 1 : text.length;
}
