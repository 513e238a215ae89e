import { hash31 } from "../text/hash.ts";
import { terms } from "../text/tokenize.ts";
import type { Embedder } from "./embedder.ts";

/**
 * Embeds by adding up a pseudo-random direction per word: the same words give the same vector, meaning plays no part.
 * For tests and tools that need the server and not the model: it takes microseconds and no memory.
 */
export function hashingEmbedder(dimension = 64): Embedder {
  return {
    model: "word-hashing",
    dimension,
    embed: async (texts) => texts.map((text) => embed(text, dimension)),
    close: async () => {},
  };
}

function embed(text: string, dimension: number): Float32Array {
  const vector = new Float32Array(dimension);
  for (const term of terms(text)) {
    for (let i = 0; i < dimension; i++) {
      const sign = hash31(`${i} ${term}`) % 2 === 0 ? 1 : -1;
      vector[i] = (vector[i] ?? 0) + sign;
    }
  }
  return vector;
}
