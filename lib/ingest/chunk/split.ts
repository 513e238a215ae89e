import type { Breadcrumbs } from "./breadcrumbs.ts";
import { CAP_TOKENS, MAX_LENGTH, TARGET_TOKENS } from "./limits.ts";
import { characterBoundary, isBlank, skipBlank, trimEnd } from "./text.ts";
import { countTokens, PartCounter } from "./tokens.ts";

/** Length in units of a part of one very long word: most scripts and base64 come to 200 to 500 tokens. */
const WORD_PART = 512;

/** A sentence's end: a full stop with closing marks before a blank, or a CJK one, which no blank follows. */
const SENTENCE_ENDS = /[.!?…]+[)\]}"'”’»]*(?=\s)|[。！？｡]+[」』）”’]*/gu;

/** Where the first part of a too large text ends, and its exact token count with its breadcrumbs. */
export interface Cut {
  readonly end: number;
  readonly tokenCount: number;
}

/**
 * Cuts a first part of about the target off `text.slice(start, end)`, which is over the cap: after a sentence if one
 * ends in its last three quarters, else after a word, else between two characters.
 */
export function cutOversized(
  text: string,
  start: number,
  end: number,
  { sentences, breadcrumbs }: { sentences: boolean; breadcrumbs: Breadcrumbs },
): Cut {
  const reach = Math.min(end, start + MAX_LENGTH);
  const window = text.slice(start, reach);
  const counter = new PartCounter(text, { start, reach }, breadcrumbs);
  const furthest = Math.max(0, counter.furthest(reach, TARGET_TOKENS) - start);
  const indent = skipBlank(window, 0, window.length);
  let length =
    (sentences ? lastSentenceEnd(window, furthest) : 0) ||
    lastWordEnd(window, furthest) ||
    trimEnd(window, 0, characterBoundary(window, indent, furthest));
  // Not even the first word fits.
  if (length <= indent) length = characterBoundary(window, indent, indent + WORD_PART);
  for (;;) {
    const tokenCount = countTokens(breadcrumbs.prefix + window.slice(0, length));
    // A few characters always fit: breadcrumbs are far from the cap.
    if (tokenCount <= CAP_TOKENS) return { end: start + length, tokenCount };
    length = characterBoundary(window, indent, indent + ((length - indent) >> 1));
  }
}

function lastSentenceEnd(window: string, furthest: number): number {
  let last = 0;
  // One unit more, for the blank that must follow.
  for (const match of window.slice(0, furthest + 1).matchAll(SENTENCE_ENDS)) {
    const end = match.index + match[0].length;
    if (end <= furthest) last = end;
  }
  return last > furthest / 4 ? last : 0;
}

function lastWordEnd(window: string, furthest: number): number {
  let at = furthest;
  while (at > furthest / 4 && !isBlank(window, at)) at--;
  const end = trimEnd(window, 0, at);
  return end > furthest / 4 ? end : 0;
}
