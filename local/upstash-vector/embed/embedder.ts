/** Turns texts into dense vectors. Another model is another implementation of this, nothing else changes. */
export interface Embedder {
  /** Name recorded in the index: vectors of different models must never be compared. */
  readonly model: string;
  /** Length of every vector. */
  readonly dimension: number;
  /**
   * One vector per text, in order. A call is one unit of work that is not interrupted, so keep it small
   * ({@link batches}); urgent calls overtake the others that wait.
   */
  embed(texts: readonly string[], options?: { urgent?: boolean }): Promise<Float32Array[]>;
  /** Frees what the model holds; waiting calls fail. Safe to call twice. */
  close(): Promise<void>;
}

const MAX_TEXTS = 8;
const MAX_CHARACTERS = 2_000;

/**
 * Cuts a list into runs of at most 8 texts and about 2,000 characters (a fifth of a second on one core):
 * larger ones are no faster per text, and a query that arrives has to wait for the one under way.
 */
export function* batches(texts: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let characters = 0;
  for (const text of texts) {
    if (
      batch.length > 0 &&
      (batch.length === MAX_TEXTS || characters + text.length > MAX_CHARACTERS)
    ) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(text);
    characters += text.length;
  }
  if (batch.length > 0) yield batch;
}
