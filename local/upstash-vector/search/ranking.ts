import type { Hit } from "../types.ts";
import { bestFirst } from "./fusion.ts";

/**
 * Scored records, best first, one at a time: a heap, so that the ten best of 100,000 cost one pass and not a sort,
 * and a filtered or resumed query can go on for as long as it needs. Consumes `hits`.
 */
export function* ranked(hits: Hit[]): Generator<Hit> {
  for (let i = Math.floor(hits.length / 2) - 1; i >= 0; i--) sink(hits, i);
  for (;;) {
    const [best] = hits;
    const last = hits.pop();
    if (!best || !last) return;
    if (hits.length > 0) {
      hits[0] = last;
      sink(hits, 0);
    }
    yield best;
  }
}

/** The first `limit` of a ranking that are accepted. */
export function take(
  ranking: Iterable<Hit>,
  limit: number,
  accept: (seq: number) => boolean,
): Hit[] {
  const taken: Hit[] = [];
  if (limit === 0) return taken;
  for (const hit of ranking) {
    if (!accept(hit.seq)) continue;
    taken.push(hit);
    if (taken.length === limit) break;
  }
  return taken;
}

function sink(heap: Hit[], start: number): void {
  let at = start;
  for (;;) {
    let best = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const [a, b] = [heap[child], heap[best]];
      if (a && b && bestFirst(a, b) < 0) best = child;
    }
    if (best === at) return;
    const [a, b] = [heap[at], heap[best]];
    if (!a || !b) return;
    heap[at] = b;
    heap[best] = a;
    at = best;
  }
}
