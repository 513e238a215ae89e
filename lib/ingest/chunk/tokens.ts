import { countPiece } from "./bpe.ts";
import { pieceEnd } from "./pieces.ts";

/** A piece longer than this many units is taken to be over any limit, unseen: it is no word, and counting it takes long. */
const LONGEST_PIECE = 2048;

/** Exact number of o200k_base tokens of `text`; what looks like a special token (`<|endoftext|>`) is ordinary text. */
export function countTokens(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const end = pieceEnd(text, at, text.length);
    count += countPiece(text, at, end);
    at = end;
  }
  return count;
}

/**
 * Exact token counts of ever longer parts of a text from one place on, as they are embedded after a prefix; each piece
 * is counted once. Parts must end after a non-blank character that no word goes on from: a line's, sentence's or word's
 * last one.
 */
export class PartCounter {
  readonly #text: string;
  /** What to add to a position to find it in `#text`. */
  readonly #shift: number = 0;
  /** Start of the first piece that is not in `#count` yet, and of the piece that the last part cut. */
  #at: number;
  #cutAt = -1;
  #count: number;

  /** `prefixTokens` are those of the prefix by itself; `reach` is the furthest that a part may end. */
  constructor(
    text: string,
    { start, reach }: { start: number; reach: number },
    { prefix, prefixTokens }: { prefix: string; prefixTokens: number },
  ) {
    if (prefix !== "" && text.startsWith("/", start)) {
      // Slashes are the one thing that a piece goes on into from a line before (`.\n//`), so counts do not add up.
      this.#text = prefix + text.slice(start, reach);
      this.#shift = prefix.length - start;
      this.#at = 0;
      this.#count = 0;
    } else {
      this.#text = text;
      this.#at = start;
      this.#count = prefixTokens;
    }
  }

  /** Tokens of the part that ends at `end`; Infinity when they are more than `limit` or would take too long to tell. */
  extend(end: number, limit: number): number {
    const stop = end + this.#shift;
    const next = this.#advance(stop, limit);
    let count = this.#count;
    if (this.#at < stop) {
      const length = stop - this.#at;
      // Lines of nothing but slashes are one piece; counting it again for each line would be quadratic.
      const again = this.#cutAt === this.#at && length > 32;
      if (next <= stop || again || length > LONGEST_PIECE) return Number.POSITIVE_INFINITY;
      // A piece such as `.\n` or `*\n//` goes on past the part: what of it is inside is a text of its own.
      this.#cutAt = this.#at;
      count += countTokens(this.#text.slice(this.#at, stop));
    }
    return count <= limit ? count : Number.POSITIVE_INFINITY;
  }

  /** The furthest place up to `end` that is between two pieces and has at most `limit` tokens before it. */
  furthest(end: number, limit: number): number {
    this.#advance(end + this.#shift, limit);
    return this.#at - this.#shift;
  }

  /** Counts whole pieces up to `stop` within `limit`; returns where the next one, that was not counted, ends. */
  #advance(stop: number, limit: number): number {
    let next = this.#at;
    while (this.#at < stop) {
      // Past `stop` it only matters that the piece goes on.
      next = pieceEnd(this.#text, this.#at, Math.min(LONGEST_PIECE, stop - this.#at));
      if (next > stop) break;
      const count = this.#count + countPiece(this.#text, this.#at, next);
      if (count > limit) break;
      this.#count = count;
      this.#at = next;
    }
    return next;
  }
}
