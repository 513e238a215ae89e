/** Rows per block: blocks instead of one array, so that growing copies nothing. */
const BLOCK = 1_024;

/** Dense vectors in memory by row number, for exact search: every row is compared. */
export class DenseMatrix {
  readonly #dimension: number;
  readonly #blocks: Float32Array[] = [];
  readonly #norms: number[] = [];

  constructor(dimension: number) {
    this.#dimension = dimension;
  }

  /** Appends a vector as the next row; an absent one is a row of zeros. */
  push(vector: Float32Array | undefined): void {
    const row = this.#norms.length;
    if (row % BLOCK === 0) this.#blocks.push(new Float32Array(BLOCK * this.#dimension));
    if (vector) this.#blocks[Math.floor(row / BLOCK)]?.set(vector, (row % BLOCK) * this.#dimension);
    this.#norms.push(vector ? norm(vector) : 0);
  }

  /** Score of every row: (1 + cos) / 2, so from 0 to 1 (Upstash docs, similarity functions). */
  scores(query: Float32Array): Float64Array {
    const scores = new Float64Array(this.#norms.length);
    const queryNorm = norm(query);
    for (const [b, block] of this.#blocks.entries()) {
      const first = b * BLOCK;
      const rows = Math.min(BLOCK, scores.length - first);
      for (let row = 0; row < rows; row++) {
        const length = queryNorm * (this.#norms[first + row] ?? 0);
        scores[first + row] = score(dot(query, block, row * this.#dimension), length);
      }
    }
    return scores;
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
  return Math.sqrt(dot(vector, vector, 0));
}

/** Dot product with the values from `offset` on. Four sums, so that the processor need not wait for each addition. */
function dot(query: Float32Array, values: Float32Array, offset: number): number {
  const length = query.length;
  const whole = length - (length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < whole; i += 4) {
    a += (query[i] as number) * (values[offset + i] as number);
    b += (query[i + 1] as number) * (values[offset + i + 1] as number);
    c += (query[i + 2] as number) * (values[offset + i + 2] as number);
    d += (query[i + 3] as number) * (values[offset + i + 3] as number);
  }
  for (let i = whole; i < length; i++) a += (query[i] as number) * (values[offset + i] as number);
  return a + b + c + d;
}
