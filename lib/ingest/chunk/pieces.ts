/**
 * The pre-tokenizer of o200k_base by hand. Its regular expression is the definition (tests hold the two together):
 *
 *   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+('s|'d|'m|'t|'ll|'ve|'re)?   as Word
 *   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*('s|'d|'m|'t|'ll|'ve|'re)?   or WORD
 *   \p{N}{1,3}  |   ?[^\s\p{L}\p{N}]+[\r\n/]*  |  \s*[\r\n]+  |  \s+(?!\S)  |  \s+
 *
 * By hand it is several times as fast, and it can stop: the expression runs to the end of a ten-megabyte word.
 */

/** What a code point can be part of. Letters without case and marks are both HEAD and TAIL of a word. */
const HEAD = 1;
const TAIL = 2;
const LETTER = 4;
const NUMBER = 8;
const SPACE = 16;
const NEWLINE = 32;
const KNOWN = 64;

const tests: readonly (readonly [number, RegExp])[] = [
  [HEAD, /[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]/u],
  [TAIL, /[\p{Ll}\p{Lm}\p{Lo}\p{M}]/u],
  [LETTER, /\p{L}/u],
  [NUMBER, /\p{N}/u],
  [SPACE, /\s/u],
  [NEWLINE, /[\r\n]/u],
];

/** Flags by code point, filled when one is first met. */
const flagsOf = new Uint8Array(0x11_0000);

function flags(codePoint: number): number {
  const known = flagsOf[codePoint] ?? 0;
  if (known !== 0) return known;
  const character = String.fromCodePoint(codePoint);
  let found = KNOWN;
  for (const [flag, test] of tests) if (test.test(character)) found |= flag;
  flagsOf[codePoint] = found;
  return found;
}

function codePointAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return (unit & 0xfc00) === 0xd800 ? (text.codePointAt(at) ?? unit) : unit;
}

function width(codePoint: number): number {
  return codePoint > 0xffff ? 2 : 1;
}

/** Where the piece that starts at `at` ends; Infinity where telling needs more than `longest` units. */
export function pieceEnd(text: string, at: number, longest: number): number {
  const stop = at + longest;
  const codePoint = codePointAt(text, at);
  const first = flags(codePoint);
  if ((first & LETTER) !== 0) return wordEnd(text, at, stop, true);
  const second = at + width(codePoint);
  if ((first & NUMBER) !== 0) return numberEnd(text, second);
  if ((first & NEWLINE) === 0) {
    const mark = (first & TAIL) !== 0;
    // Any one character may lead a word. A mark may also start it, and then it is tried before a WORD is.
    const end = wordEnd(text, second, stop, !mark);
    if (end !== NONE) return end;
    if (mark) return wordEnd(text, at, stop, false);
    if ((first & SPACE) === 0) return punctuationEnd(text, second, stop);
    if (codePoint === 0x20 && second < text.length) {
      const next = flags(codePointAt(text, second));
      if ((next & (SPACE | LETTER | NUMBER)) === 0) return punctuationEnd(text, second, stop);
    }
  }
  return spaceEnd(text, at, stop);
}

const NONE = -1;

/** `HEAD* TAIL+`, or `HEAD+` too if `allHead`; NONE where no word starts. */
function wordEnd(text: string, from: number, stop: number, allHead: boolean): number {
  let at = from;
  // After the last character that can be TAIL too: where HEAD* gives back to when no other TAIL follows it.
  let afterBoth = NONE;
  let tail = false;
  while (at < text.length) {
    const codePoint = codePointAt(text, at);
    const found = flags(codePoint);
    if (!tail && (found & HEAD) === 0 && (found & TAIL) !== 0) tail = true;
    if ((found & (tail ? TAIL : HEAD)) === 0) break;
    at += width(codePoint);
    if ((found & TAIL) !== 0) afterBoth = at;
    if (at > stop) return Number.POSITIVE_INFINITY;
  }
  if (tail || afterBoth !== NONE) return contractionEnd(text, afterBoth);
  return allHead && at > from ? contractionEnd(text, at) : NONE;
}

/** The English endings that stay with their word: 's 'd 'm 't 'll 've 're. */
const CONTRACTION = /'(?:[sdmtSDMT]|[lL]{2}|[vV][eE]|[rR][eE])/y;

function contractionEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== 0x27) return at;
  CONTRACTION.lastIndex = at;
  return CONTRACTION.test(text) ? CONTRACTION.lastIndex : at;
}

function numberEnd(text: string, second: number): number {
  let at = second;
  for (let digits = 1; digits < 3 && at < text.length; digits++) {
    const codePoint = codePointAt(text, at);
    if ((flags(codePoint) & NUMBER) === 0) break;
    at += width(codePoint);
  }
  return at;
}

/** `[^\s\p{L}\p{N}]*[\r\n/]*` */
function punctuationEnd(text: string, from: number, stop: number): number {
  let at = from;
  while (at < text.length) {
    const codePoint = codePointAt(text, at);
    if ((flags(codePoint) & (SPACE | LETTER | NUMBER)) !== 0) break;
    at += width(codePoint);
    if (at > stop) return Number.POSITIVE_INFINITY;
  }
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x0a && unit !== 0x0d && unit !== 0x2f) break;
    if (at >= stop) return Number.POSITIVE_INFINITY;
  }
  return at;
}

/** Up to the last line end of the blanks; else all but the last of them, which leads the next word. */
function spaceEnd(text: string, from: number, stop: number): number {
  let at = from;
  let afterNewline = NONE;
  while (at < text.length) {
    const found = flags(text.charCodeAt(at));
    if ((found & SPACE) === 0) break;
    at++;
    if ((found & NEWLINE) !== 0) afterNewline = at;
    if (at > stop) return Number.POSITIVE_INFINITY;
  }
  if (afterNewline !== NONE) return afterNewline;
  return at === text.length || at - from === 1 ? at : at - 1;
}
