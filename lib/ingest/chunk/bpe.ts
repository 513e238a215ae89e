import ranks from "gpt-tokenizer/bpeRanks/o200k_base";

/** Every o200k_base token as its UTF-8 bytes, one character per byte (latin1), with its merge rank. */
const rankOf = new Map<string, number>();
for (const [rank, token] of ranks.entries()) {
  const bytes = typeof token === "string" ? Buffer.from(token) : Buffer.from(token);
  rankOf.set(bytes.toString("latin1"), rank);
}

/** Ranks of the pairs of two bytes, which every piece starts from; -1 where they are no token. */
const pairRankOf = new Int32Array(0x1_0000).fill(-1);
for (const [token, rank] of rankOf) {
  if (token.length === 2) pairRankOf[(token.charCodeAt(0) << 8) | token.charCodeAt(1)] = rank;
}

/** More than the longest piece has bytes, so that a rank and a position fit one exactly represented number. */
const POSITIONS = 2 ** 28;

/** Working space, kept because most pieces are short and there are very many: see {@link countMerged}. */
let end = new Int32Array(256);
let before = new Int32Array(256);
let pairRank = new Int32Array(256);
const heap: number[] = [];

/**
 * Number of o200k_base tokens of one pre-tokenized piece (a match of the pre-tokenizer's expression).
 * Byte pair encoding always merges the pair with the lowest rank, leftmost first; a heap of candidate pairs makes
 * that n log n, where the usual rescan is quadratic in pieces such as a long run of one letter.
 */
export function countMerged(piece: string): number {
  const bytes = isAscii(piece) ? piece : Buffer.from(piece).toString("latin1");
  const n = bytes.length;
  if (n <= 1 || rankOf.has(bytes)) return n === 0 ? 0 : 1;

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
    offer(at, pairRankOf[(bytes.charCodeAt(at) << 8) | bytes.charCodeAt(at + 1)] ?? -1);
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
    offer(at, right < n ? (rankOf.get(bytes.slice(at, end[right])) ?? -1) : -1);
    const left = before[at] ?? -1;
    if (left >= 0) offer(left, rankOf.get(bytes.slice(left, right)) ?? -1);
  }
  return parts;
}

/** Notes the rank of the pair at `at`, and that it can be merged if it has one. */
function offer(at: number, rank: number): void {
  pairRank[at] = rank;
  if (rank >= 0) push(rank * POSITIONS + at);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
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
