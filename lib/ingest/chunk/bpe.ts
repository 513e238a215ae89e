import { hashOf, rankOf } from "./vocabulary.ts";

/** Ranks of the pairs of two bytes, which every piece starts from; -1 where they are no token. */
const pairRankOf = new Int32Array(2 ** 16);
const pairBytes = new Uint8Array(2);
for (let pair = 0; pair < pairRankOf.length; pair++) {
  pairBytes.set([pair >> 8, pair & 0xff]);
  pairRankOf[pair] = rankOf(pairBytes, 0, 2);
}

/** More than the longest piece has bytes, so that a rank and a position fit one exactly represented number. */
const POSITIONS = 2 ** 28;

/** Working space, kept because most pieces are short and there are very many: see {@link countMerged}. */
let bytes = Buffer.alloc(256);
let end = new Int32Array(256);
let before = new Int32Array(256);
let pairRank = new Int32Array(256);
const heap: number[] = [];

/**
 * Number of o200k_base tokens of one pre-tokenized piece `text[from, to)` (a match of the pre-tokenizer's expression).
 * Byte pair encoding always merges the pair with the lowest rank, leftmost first; a heap of candidate pairs makes
 * that n log n, where the usual rescan is quadratic in pieces such as a long run of one letter.
 */
export function countPiece(text: string, from: number, to: number): number {
  const n = encode(text, from, to);
  if (n <= 1) return n;
  if (n > CACHED_BYTES) return countBytes(n);
  const entry = (hashOf(bytes, 0, n) % ENTRIES) * ENTRY_BYTES;
  if (!isCached(entry, n)) {
    cache[entry] = countBytes(n);
    cache[entry + 1] = n;
    for (let i = 0; i < n; i++) cache[entry + 2 + i] = bytes[i] ?? 0;
  }
  return cache[entry] ?? 0;
}

/**
 * Counts of short pieces, because words repeat. Each entry is a count, a length and the piece's bytes; a new piece takes
 * the place of the one that it collides with.
 */
const ENTRIES = 2 ** 14;
const ENTRY_BYTES = 32;
const CACHED_BYTES = ENTRY_BYTES - 2;
const cache = new Uint8Array(ENTRIES * ENTRY_BYTES);

function isCached(entry: number, n: number): boolean {
  if (cache[entry + 1] !== n) return false;
  for (let i = 0; i < n; i++) if (cache[entry + 2 + i] !== bytes[i]) return false;
  return true;
}

/** Writes the UTF-8 of `text[from, to)` into `bytes`; returns its length. */
function encode(text: string, from: number, to: number): number {
  // No UTF-16 unit takes more than three bytes.
  if (bytes.length < 3 * (to - from)) bytes = Buffer.alloc(6 * (to - from));
  let length = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return bytes.write(text.slice(from, to));
    bytes[length++] = unit;
  }
  return length;
}

/** Number of tokens of the first `n` bytes of `bytes`. */
function countBytes(n: number): number {
  return rankOf(bytes, 0, n) >= 0 ? 1 : countMerged(n);
}

/** The same for two bytes and more that are no token. */
function countMerged(n: number): number {
  // Part i starts at byte i and ends at end[i]; before[i] is the start of the part on its left. pairRank[i] is the rank
  // of that part and the next together.
  if (n >= end.length) {
    end = new Int32Array(2 * n);
    before = new Int32Array(2 * n);
    pairRank = new Int32Array(2 * n);
  }
  for (let at = 0; at <= n; at++) {
    end[at] = at + 1;
    before[at] = at - 1;
  }
  for (let at = 0; at < n - 1; at++) {
    offer(at, pairRankOf[((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)] ?? -1);
  }
  pairRank[n - 1] = -1;

  let parts = n;
  for (let lowest = pop(); lowest !== undefined; lowest = pop()) {
    const at = lowest % POSITIONS;
    // Stale: this pair was merged into a neighbour, or changed, after it was offered.
    if (pairRank[at] !== (lowest - at) / POSITIONS) continue;
    const middle = end[at] ?? n;
    const right = end[middle] ?? n;
    end[at] = right;
    before[right] = at;
    pairRank[middle] = -1;
    parts--;
    offer(at, right < n ? rankOf(bytes, at, end[right] ?? n) : -1);
    const left = before[at] ?? -1;
    if (left >= 0) offer(left, rankOf(bytes, left, right));
  }
  return parts;
}

/** Notes the rank of the pair at `at`, and that it can be merged if it has one. */
function offer(at: number, rank: number): void {
  pairRank[at] = rank;
  if (rank >= 0) push(rank * POSITIONS + at);
}

/** `heap` is a binary min-heap. */
function push(value: number): void {
  let at = heap.push(value) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] ?? 0;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
}

function pop(): number | undefined {
  const top = heap[0];
  const value = heap.pop();
  if (value === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if ((heap[child + 1] ?? Number.POSITIVE_INFINITY) < (heap[child] ?? 0)) child++;
    const below = heap[child] ?? 0;
    if (below >= value) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = value;
  return top;
}
