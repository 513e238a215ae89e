import type { Hit } from "../types.ts";

export type FusionAlgorithm = "RRF" | "DBSF";

/** The constant K of Upstash's RRF. */
const K = 60;

/**
 * Fuses rankings (best first) into one (best first): a record's mapped scores are added up. Formulas: Upstash docs,
 * hybrid indexes; what they leave open follows the scores asserted in the tests of Upstash's own clients.
 */
export function fuse(rankings: readonly (readonly Hit[])[], algorithm: FusionAlgorithm): Hit[] {
  const map = algorithm === "RRF" ? reciprocalRanks : distributionBasedScores;
  const scores = new Map<number, number>();
  for (const ranking of rankings) {
    const mapped = map(ranking);
    for (const [i, { seq }] of ranking.entries()) {
      scores.set(seq, (scores.get(seq) ?? 0) + (mapped[i] ?? 0));
    }
  }
  return Array.from(scores, ([seq, score]) => ({ seq, score })).sort(
    (a, b) => b.score - a.score || a.seq - b.seq,
  );
}

/** 1 / (rank + K), ranks from 0. */
function reciprocalRanks(ranking: readonly Hit[]): number[] {
  return ranking.map((_, rank) => 1 / (rank + K));
}

/** (s - (μ - 3σ)) / 6σ with the sample's σ; one half when all scores are the same. */
function distributionBasedScores(ranking: readonly Hit[]): number[] {
  const count = ranking.length;
  const mean = ranking.reduce((sum, { score }) => sum + score, 0) / count;
  const squares = ranking.reduce((sum, { score }) => sum + (score - mean) ** 2, 0);
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  return ranking.map(({ score }) =>
    deviation === 0 ? 0.5 : (score - (mean - 3 * deviation)) / (6 * deviation),
  );
}
