import ranks from "gpt-tokenizer/bpeRanks/o200k_base";

/** Every o200k_base token as its UTF-8 bytes, one character per byte (latin1), with its merge rank. */
const rankOf = new Map<string, number>();
for (const [rank, token] of ranks.entries()) {
  const bytes = typeof token === "string" ? Buffer.from(token) : Buffer.from(token);
  rankOf.set(bytes.toString("latin1"), rank);
}

/** More bits than the longest piece has bytes, so that a rank and a position fit one exactly represented number. */
const POSITIONS = 2 ** 24;

/**
 * Number of o200k_base tokens of one pre-tokenized piece (a match of the pre-tokenizer's expression).
 * Byte pair encoding always merges the pair with the lowest rank, leftmost first; a heap of candidate pairs makes
 * that n log n, where the usual rescan is quadratic in pieces such as a long run of one letter.
 */
export function countMerged(piece: string): number {
  const bytes = isAscii(piece) ? piece : Buffer.from(piece).toString("latin1");
  if (bytes.length <= 1 || rankOf.has(bytes)) return bytes.length === 0 ? 0 : 1;

  const n = bytes.length;
  // Part i starts at byte i and ends at end[i]; before[i] is the start of the part on its left.
  const end = new Int32Array(n + 1).map((_, i) => i + 1);
  const before = new Int32Array(n + 1).map((_, i) => i - 1);
  const pairRank = new Int32Array(n).fill(-1);
  const heap: number[] = [];
  const offer = (at: number) => {
    const middle = end[at] ?? n;
    const rank = middle < n ? (rankOf.get(bytes.slice(at, end[middle])) ?? -1) : -1;
    pairRank[at] = rank;
    if (rank >= 0) push(heap, rank * POSITIONS + at);
  };
  for (let at = 0; at < n - 1; at++) offer(at);

  let parts = n;
  for (let lowest = pop(heap); lowest !== undefined; lowest = pop(heap)) {
    const at = lowest % POSITIONS;
    // Stale: this pair was merged into a neighbour, or changed, after it was offered.
    if (pairRank[at] !== (lowest - at) / POSITIONS) continue;
    const middle = end[at] ?? n;
    const right = end[middle] ?? n;
    end[at] = right;
    before[right] = at;
    pairRank[middle] = -1;
    parts--;
    offer(at);
    const left = before[at] ?? -1;
    if (left >= 0) offer(left);
  }
  return parts;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** Binary min-heap of numbers. */
function push(heap: number[], value: number): void {
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

function pop(heap: number[]): number | undefined {
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
