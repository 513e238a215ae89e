/** Anything that `\s` matches: blank characters need not be in any chunk. */
const BLANK = /\s/;

/** Whether the UTF-16 unit at `at` is blank; false past the end. */
export function isBlank(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit <= 0x7f) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  return unit >= 0xa0 && BLANK.test(text.charAt(at));
}

/** Position of the first non-blank unit from `from` on, or `to`. */
export function skipBlank(text: string, from: number, to: number): number {
  let at = from;
  while (at < to && isBlank(text, at)) at++;
  return at;
}

/** Position after the last non-blank unit before `to`, or `from`. */
export function trimEnd(text: string, from: number, to: number): number {
  let at = to;
  while (at > from && isBlank(text, at - 1)) at--;
  return at;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The last place at or before `at`, and after `from`, where no character is torn from its combining marks, joiners or
 * other half. Where one character goes on for longer than 128 units, only the two halves of a code point are kept whole.
 */
export function characterBoundary(text: string, from: number, at: number): number {
  if (at >= text.length) return text.length;
  if (at <= from) return from;
  const start = Math.max(from, at - 128);
  const character = graphemes.segment(text.slice(start, at + 128)).containing(at - start);
  const boundary = start + (character?.index ?? 0);
  if (boundary > start) return boundary;
  const torn = isLowSurrogate(text, at) && isHighSurrogate(text, at - 1);
  return torn && at - 1 > from ? at - 1 : at;
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800;
}

function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}
