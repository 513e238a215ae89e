/** What stands where a secret was. Every rule leaves it alone, so that redacting twice is redacting once. */
export function placeholder(what: string): string {
  return `[redacted:${what}]`;
}

/** What stands where a secret was: `replaced` is the text that goes. */
export type Write = (what: string, replaced: string) => string;

/** A placeholder that leaves the lines after it where they were. */
export const inItsLines: Write = (what, replaced) =>
  placeholder(what) + "\n".repeat(replaced.split("\n").length - 1);

const PLACEHOLDER = /^\[redacted:[a-z0-9-]+\]$/;

export function isPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text);
}

/** A secret in a text: from `start` up to but not with `end`, counted as JavaScript counts. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly what: string;
}

/** Puts placeholders in the place of `spans`, which are in order and do not overlap. */
export function replaceSpans(
  text: string,
  spans: readonly Span[],
  write: Write = placeholder,
): string {
  if (spans.length === 0) return text;
  const parts: string[] = [];
  let done = 0;
  for (const { start, end, what } of spans) {
    // In JSON text that is quoted as it is, `\n` followed by `pm_…` must not become the invalid escape `\[`.
    const from = text[start - 1] === "\\" ? start + 1 : start;
    parts.push(text.slice(done, from), write(what, text.slice(from, end)));
    done = end;
  }
  parts.push(text.slice(done));
  return parts.join("");
}

/** Replaces every match of a global pattern, or what `secretIn` finds in it: null keeps the match. */
export function replaceMatches(
  text: string,
  pattern: RegExp,
  what: string,
  secretIn: (match: RegExpExecArray) => { start: number; end: number } | null = whole,
): string {
  // Most texts hold nothing: a test costs a tenth of an iterator.
  pattern.lastIndex = 0;
  if (!pattern.test(text)) return text;
  pattern.lastIndex = 0;
  const spans: Span[] = [];
  for (const match of text.matchAll(pattern)) {
    const found = secretIn(match);
    if (found && !isPlaceholder(text.slice(found.start, found.end))) spans.push({ ...found, what });
  }
  return replaceSpans(text, spans);
}

/** Where the whole match is. */
export function whole(match: RegExpExecArray): { start: number; end: number } {
  return { start: match.index, end: match.index + match[0].length };
}

/** Where the last capture group is, for patterns that end with it. */
export function tail(match: RegExpExecArray): { start: number; end: number } {
  const end = match.index + match[0].length;
  return { start: end - (match.at(-1) ?? "").length, end };
}

/**
 * Whether the quote before `rest` ends what was quoted instead of beginning something: `"…password=","next":…` of JSON,
 * where what follows is structure that has to stay.
 */
export function followsClosingQuote(rest: string): boolean {
  return /^\s*[,:}\]]/.test(rest);
}
