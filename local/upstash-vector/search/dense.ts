import { BLOCK, type VectorMemory } from "./vector-memory.ts";

/** Dense vectors in memory by row number, for exact search: every row is compared. */
export class DenseMatrix {
  readonly #memory: VectorMemory;
  readonly #blocks: number[] = [];
  readonly #norms: number[] = [];

  constructor(memory: VectorMemory) {
    this.#memory = memory;
  }

  /** Bytes of memory that it holds until {@link release}. */
  get bytes(): number {
    return this.#blocks.length * this.#memory.blockBytes;
  }

  /** Appends a vector as the next row; an absent one is a row of zeros. */
  push(vector: Float32Array | undefined): void {
    const row = this.#norms.length % BLOCK;
    if (row === 0) this.#blocks.push(this.#memory.allocate());
    this.#memory.write(this.#blocks.at(-1) as number, row, vector);
    this.#norms.push(vector ? norm(vector) : 0);
  }

  /** Score of every row: (1 + cos) / 2, so from 0 to 1 (Upstash docs, similarity functions). */
  scores(query: Float32Array): Float64Array {
    const norms = this.#norms;
    const scores = new Float64Array(norms.length);
    const queryNorm = norm(query);
    this.#memory.dotProducts(query, this.#blocks, norms.length, (products, first) => {
      const end = Math.min(first + BLOCK, norms.length);
      for (let row = first; row < end; row++) {
        const length = queryNorm * (norms[row] as number);
        scores[row] = score(products[row - first] as number, length);
      }
    });
    return scores;
  }

  /** Gives the memory back; the matrix cannot be used any more. */
  release(): void {
    for (const block of this.#blocks.splice(0)) this.#memory.free(block);
    this.#norms.length = 0;
  }
}

/** Score of a cosine distance (1 - cos) as sqlite-vec computes it; a vector of zeros has none. */
export function scoreOfDistance(distance: number | null): number {
  return distance === null || Number.isNaN(distance) ? 0.5 : 1 - distance / 2;
}

function score(product: number, length: number): number {
  // A vector of zeros points nowhere: as far from similar as from opposite. Rounded to float32, because the cosine of
  // equal vectors misses 1 by the last digits of a double.
  return length === 0 ? 0.5 : (1 + Math.fround(product / length)) / 2;
}

function norm(vector: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i] as number) ** 2;
  return Math.sqrt(squares);
}
