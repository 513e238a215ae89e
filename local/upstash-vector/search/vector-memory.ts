import { dotKernel } from "./dot-kernel.ts";

/** Rows of a block. */
export const BLOCK = 64;

const PAGE = 64 * 1024;
/** All that a 32-bit address reaches: 4 GB. */
const MAX_PAGES = 65_536;
/** Pages added at a time: adding stops the process for a moment, and what is not written to takes no memory yet. */
const GROWTH = 512;
/** The kernel takes eight values at a time. */
const VALUES = 8;

/**
 * Memory for the dense vectors of all namespaces, in blocks of {@link BLOCK} rows. Freed blocks are used again and never
 * given back, so it is as large as the most that was ever in use at a time.
 */
export class VectorMemory {
  /** Bytes of a block. */
  readonly blockBytes: number;
  readonly #values: number;
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
  readonly #dot = dotKernel(this.#memory);
  readonly #results: number;
  readonly #free: number[] = [];
  /** The whole memory, anew each time it grows. */
  #floats = new Float32Array(this.#memory.buffer);
  #end: number;

  /** @param dimension values of every vector */
  constructor(dimension: number) {
    this.#values = Math.ceil(dimension / VALUES) * VALUES;
    this.blockBytes = 4 * this.#values * BLOCK;
    this.#results = 8 * this.#values;
    this.#end = this.#results + 8 * BLOCK;
    this.#growTo(this.#end);
  }

  /** Bytes of the whole memory. */
  get bytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Address of a block; what is in it is not known. Throws a RangeError past 4 GB. */
  allocate(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const block = this.#end;
    this.#growTo(block + this.blockBytes);
    this.#end = block + this.blockBytes;
    return block;
  }

  free(block: number): void {
    this.#free.push(block);
  }

  /** Writes a row of a block; an absent vector is zeros. */
  write(block: number, row: number, vector: Float32Array | undefined): void {
    const start = block / 4 + row * this.#values;
    if (vector) this.#floats.set(vector, start);
    // What a vector leaves of its last eight values.
    this.#floats.fill(0, start + (vector?.length ?? 0), start + this.#values);
  }

  /** Dot products of a query with the first `rows` rows of each block: calls back with each block's, in order. */
  dotProducts(
    query: Float32Array,
    blocks: readonly number[],
    rows: number,
    each: (products: Float64Array, firstRow: number) => void,
  ): void {
    const { buffer } = this.#memory;
    const values = new Float64Array(buffer, 0, this.#values);
    values.set(query);
    values.fill(0, query.length);
    const products = new Float64Array(buffer, this.#results, BLOCK);
    for (let i = 0, first = 0; first < rows; i++, first += BLOCK) {
      const count = Math.min(BLOCK, rows - first);
      this.#dot(0, blocks[i] as number, count, 4 * this.#values, this.#results);
      each(products, first);
    }
  }

  #growTo(bytes: number): void {
    const missing = Math.ceil((bytes - this.bytes) / PAGE);
    if (missing <= 0) return;
    this.#memory.grow(Math.max(missing, Math.min(GROWTH, MAX_PAGES - this.bytes / PAGE)));
    this.#floats = new Float32Array(this.#memory.buffer);
  }
}
