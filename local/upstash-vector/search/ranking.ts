import type { Hit } from "../types.ts";

/** Scores of records, in no order: two lists of the same length. A seq of 0 or a score of NaN stands for no record. */
export interface Scored {
  readonly seqs: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
}

/**
 * The `limit` best accepted records, best first; equal scores in the order of seq. One pass with the best so far in a
 * heap, worst on top, so that nearly all of 100,000 records cost one comparison.
 *
 * @param accept asked only about a record that is among the best so far, because a filter costs more than a comparison
 */
export function best(
  { seqs, scores }: Scored,
  limit: number,
  accept: (seq: number) => boolean,
): Hit[] {
  const heap: Hit[] = [];
  for (let i = 0; i < seqs.length; i++) {
    const seq = seqs[i] as number;
    const score = scores[i] as number;
    if (seq === 0 || Number.isNaN(score)) continue;
    const worst = heap[0];
    if (heap.length < limit || !worst) {
      if (accept(seq)) raise(heap, { seq, score });
    } else if (score > worst.score || (score === worst.score && seq < worst.seq)) {
      if (accept(seq)) sink(heap, { seq, score });
    }
  }
  return heap.sort(byRank);
}

/** Best first. */
function byRank(a: Hit, b: Hit): number {
  return b.score - a.score || a.seq - b.seq;
}

/** Adds a hit to the heap. */
function raise(heap: Hit[], hit: Hit): void {
  let at = heap.push(hit) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as Hit;
    if (byRank(above, hit) > 0) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = hit;
}

/** Replaces the worst hit of the heap. */
function sink(heap: Hit[], hit: Hit): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child + 1 < heap.length && byRank(heap[child + 1] as Hit, heap[child] as Hit) > 0) child++;
    const below = heap[child];
    if (!below || byRank(below, hit) < 0) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = hit;
}
