import { O200K_TOKEN_SPLIT_REGEX } from "gpt-tokenizer/encodingParams/constants";
import { countMerged } from "./bpe.ts";

/** The pre-tokenizer's own expression, made sticky: merges never cross its matches, so their counts add up. */
const PIECE = new RegExp(O200K_TOKEN_SPLIT_REGEX.source, "uy");

/** Words repeat, so most counts are one look-up. Emptied when full: simpler than eviction, and as fast on real text. */
const cache = new Map<string, number>();
const CACHE_ENTRIES = 50_000;
const CACHED_LENGTH = 40;

function countPiece(text: string, from: number, to: number): number {
  const piece = text.slice(from, to);
  if (piece.length > CACHED_LENGTH) return countMerged(piece);
  const known = cache.get(piece);
  if (known !== undefined) return known;
  const count = countMerged(piece);
  if (cache.size >= CACHE_ENTRIES) cache.clear();
  cache.set(piece, count);
  return count;
}

function pieceEnd(text: string, at: number): number {
  PIECE.lastIndex = at;
  // Every character starts some alternative, so only the end of the text does not match.
  return PIECE.test(text) ? PIECE.lastIndex : text.length;
}

/** Exact number of o200k_base tokens of `text`; what looks like a special token (`<|endoftext|>`) is ordinary text. */
export function countTokens(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at);
    count += countPiece(text, at, end);
    at = end;
  }
  return count;
}

/** Counts prefixes of `content` as they are embedded after `prefix`, which has `prefixTokens` tokens by itself. */
export function prefixCounter(
  content: string,
  prefix: string,
  prefixTokens: number,
): PrefixCounter {
  // Slashes are the one thing that the pre-tokenizer may join to a line before (`.\n//`): then counts do not add up.
  if (prefix !== "" && content.startsWith("/")) {
    return new PrefixCounter(prefix + content, { offset: prefix.length, count: 0 });
  }
  return new PrefixCounter(content, { offset: 0, count: prefixTokens });
}

/**
 * Exact token counts of ever longer prefixes of one text, each piece counted once.
 * Prefixes must end after a non-blank character that the next piece does not continue as a word: at the end of a line,
 * of a sentence or of a word.
 */
export class PrefixCounter {
  readonly #text: string;
  /** Where the content starts in the text: positions outside count from there. */
  readonly #offset: number;
  /** Start of the first piece that is not in `#count` yet, and of the piece that the last prefix cut. */
  #at = 0;
  #cutAt = -1;
  #count: number;

  constructor(text: string, { offset, count }: { offset: number; count: number }) {
    this.#text = text;
    this.#offset = offset;
    this.#count = count;
  }

  /** Tokens of the prefix that ends at `end`; Infinity when they are more than `limit` or would take too long to tell. */
  extend(end: number, limit: number): number {
    const stop = this.#offset + end;
    this.#advance(stop, limit);
    if (this.#at >= stop) return this.#count <= limit ? this.#count : Number.POSITIVE_INFINITY;
    if (pieceEnd(this.#text, this.#at) <= stop) return Number.POSITIVE_INFINITY;
    // A piece such as `.\n` or `*\n//` goes on past the prefix: its part inside is a text of its own.
    // Lines of nothing but slashes are one piece; counting it again for each line would be quadratic.
    if (this.#cutAt === this.#at && stop - this.#at > 64) return Number.POSITIVE_INFINITY;
    this.#cutAt = this.#at;
    const count = this.#count + countTokens(this.#text.slice(this.#at, stop));
    return count <= limit ? count : Number.POSITIVE_INFINITY;
  }

  /** The furthest boundary of two pieces up to `end` with at most `limit` tokens before it. */
  furthest(end: number, limit: number): number {
    this.#advance(this.#offset + end, limit);
    return Math.max(0, this.#at - this.#offset);
  }

  /** Counts whole pieces up to `stop` as long as they keep within `limit`. */
  #advance(stop: number, limit: number): void {
    while (this.#at < stop) {
      const next = pieceEnd(this.#text, this.#at);
      if (next > stop) return;
      const count = this.#count + countPiece(this.#text, this.#at, next);
      if (count > limit) return;
      this.#count = count;
      this.#at = next;
    }
  }
}
