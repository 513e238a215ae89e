import type { Hit, SparseVector } from "../types.ts";
import { type FusionAlgorithm, fuse } from "./fusion.ts";
import { best } from "./ranking.ts";
import type { Searchable } from "./view.ts";

/** What to look for: with both vectors the two rankings are fused, with one its scores are the result's. */
export interface Search {
  readonly dense?: Float32Array;
  readonly sparse?: SparseVector;
  /** Weigh the sparse query by inverse document frequency. */
  readonly weighted: boolean;
  readonly fusion: FusionAlgorithm;
}

/** How deep into a component's ranking the fusion looks at least; Upstash looks deeper than topK but not says how far. */
const MIN_CANDIDATES = 100;

/**
 * The `k` best accepted records, best first. Exact: a filter never costs results.
 *
 * @param depth how many of each component to fuse; a resumed query fuses as many as it was asked for, so that
 *   every batch goes on where the last one ended
 */
export function search(
  searchable: Searchable,
  { dense, sparse, weighted, fusion }: Search,
  k: number,
  accept: (seq: number) => boolean,
  depth = Math.max(MIN_CANDIDATES, 2 * k),
): Hit[] {
  if (!dense && !sparse) return [];
  const limit = dense && sparse ? depth : k;
  const rankings: Hit[][] = [];
  if (dense) rankings.push(best(searchable.dense(dense), limit, accept));
  if (sparse) rankings.push(best(searchable.sparse(sparse, weighted), limit, accept));
  const [only, second] = rankings;
  return second ? fuse(rankings, fusion).slice(0, k) : (only ?? []);
}
