import type { Hit } from "../types.ts";

/** Scores of records, in no order: two lists of the same length. A seq of 0 stands for no record. */
export interface Scored {
  readonly seqs: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
}

/**
 * Scored records, best first, one at a time; equal scores in the order of seq. A heap, so that the ten best of
 * 100,000 cost one pass and not a sort, and a filtered or resumed query can go on for as long as it needs.
 */
export function* ranked({ seqs, scores }: Scored): Generator<Hit> {
  const heap = new Uint32Array(seqs.length);
  let size = 0;
  for (let i = 0; i < seqs.length; i++) {
    if (seqs[i] !== 0) heap[size++] = i;
  }

  const seq = (at: number) => seqs[heap[at] as number] as number;
  const score = (at: number) => scores[heap[at] as number] as number;
  const isBetter = (a: number, b: number) =>
    score(a) > score(b) || (score(a) === score(b) && seq(a) < seq(b));

  const sink = (start: number) => {
    for (let at = start; ; ) {
      let best = at;
      const left = 2 * at + 1;
      if (left < size && isBetter(left, best)) best = left;
      if (left + 1 < size && isBetter(left + 1, best)) best = left + 1;
      if (best === at) return;
      const index = heap[at] as number;
      heap[at] = heap[best] as number;
      heap[best] = index;
      at = best;
    }
  };

  for (let i = Math.floor(size / 2) - 1; i >= 0; i--) sink(i);
  while (size > 0) {
    yield { seq: seq(0), score: score(0) };
    size--;
    heap[0] = heap[size] as number;
    sink(0);
  }
}

/** The first `limit` of a ranking that are accepted. */
export function take(
  ranking: Iterable<Hit>,
  limit: number,
  accept: (seq: number) => boolean,
): Hit[] {
  const taken: Hit[] = [];
  for (const hit of ranking) {
    if (!accept(hit.seq)) continue;
    taken.push(hit);
    if (taken.length === limit) break;
  }
  return taken;
}
