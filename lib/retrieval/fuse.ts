import type { SearchHit } from "./search.ts";

/** The constant of reciprocal rank fusion, as everybody has it since Cormack, Clarke and Büttcher (2009). */
const RANK_CONSTANT = 60;

/**
 * The hits of several questions as one list, best first, each once. Ranks are fused, since scores of different questions
 * cannot be compared; of two that gained the same, the one that was found first.
 */
export function fuse(lists: readonly (readonly SearchHit[])[]): SearchHit[] {
  const worth = new Map<string, { hit: SearchHit; gained: number }>();
  for (const hits of lists) {
    for (const [rank, hit] of hits.entries()) {
      const gained = (worth.get(keyOf(hit))?.gained ?? 0) + 1 / (RANK_CONSTANT + rank + 1);
      worth.set(keyOf(hit), { hit, gained });
    }
  }
  return [...worth.values()].sort((a, b) => b.gained - a.gained).map(({ hit }) => hit);
}

function keyOf(hit: SearchHit): string {
  return hit.type === "chunk" ? hit.chunkId : JSON.stringify({ ...hit, score: 0 });
}
