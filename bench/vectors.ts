/** Deterministic chunks for the search benchmark: embedding 100,000 texts would take most of an hour. */
export interface GeneratedVector {
  readonly id: string;
  readonly vector: number[];
  readonly sparseVector: { indices: number[]; values: number[] };
  readonly metadata: Record<string, string | number>;
}

const TERMS_PER_CHUNK = 40;
const VOCABULARY = 20_000;

/** The `number`-th chunk: a unit vector of `dimension`, and term weights of which common terms are common. */
export function generatedVector(number: number, dimension: number): GeneratedVector {
  const next = random(number + 1);
  const raw = Array.from({ length: dimension }, () => next() + next() + next() - 1.5);
  const norm = Math.hypot(...raw);
  const weights = new Map<number, number>();
  // The cube makes small indices as frequent as the common words of a language.
  while (weights.size < TERMS_PER_CHUNK) {
    weights.set(Math.floor(next() ** 3 * VOCABULARY), 0.2 + next());
  }
  const terms = [...weights].sort(([a], [b]) => a - b);
  return {
    id: `chunk_${number}`,
    vector: raw.map((value) => value / norm),
    sparseVector: { indices: terms.map(([index]) => index), values: terms.map(([, w]) => w) },
    metadata: { type: "chunk", fileId: `file_${number % 100}`, pageStart: (number % 300) + 1 },
  };
}

/** A small generator (xorshift) of numbers from 0 to 1. */
function random(seed: number): () => number {
  let state = Math.imul(seed, 2654435761) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
