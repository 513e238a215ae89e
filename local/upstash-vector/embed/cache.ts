import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { denseBytes, denseVector } from "../store/blobs.ts";
import { batches, type Embedder } from "./embedder.ts";

/** An embedder that remembers: what the index uses. */
export interface CachedEmbedder {
  readonly model: string;
  readonly dimension: number;
  /** Vectors of texts to be stored; each is remembered on disk as soon as it is known. */
  documents(texts: readonly string[]): Promise<Float32Array[]>;
  /** Vector of a query: overtakes documents that wait. */
  query(text: string): Promise<Float32Array>;
  /** Closes the model; calls that wait for it fail. */
  stop(): Promise<void>;
  /** Closes the model and the file. */
  close(): Promise<void>;
}

const MAX_QUERIES = 1_000;

/**
 * Keeps embeddings by content hash in their own SQLite file, so that ingesting again after a crash, or the same
 * text under another id, costs no model time. It may be deleted at any time. The oldest rows go when there are
 * more than `maxRows` (2 KB each at 512 dimensions). Query vectors are kept in memory, the latest 1,000.
 */
export function cachedEmbedder(
  embedder: Embedder,
  file: string,
  maxRows = 200_000,
): CachedEmbedder {
  const db = new DatabaseSync(file);
  // A lost row only costs time, so no fsync per write.
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS embeddings (
      rank INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, vector BLOB NOT NULL
    );
  `);
  const find = db.prepare("SELECT vector FROM embeddings WHERE hash = ?");
  const insert = db.prepare("INSERT OR IGNORE INTO embeddings (hash, vector) VALUES (?, ?)");
  const trim = db.prepare(
    "DELETE FROM embeddings WHERE rank <= (SELECT max(rank) FROM embeddings) - ?",
  );
  const hash = (text: string) =>
    createHash("sha256").update(`${embedder.model}\0${embedder.dimension}\0${text}`).digest();
  const queries = new Map<string, Float32Array>();

  async function embedAndKeep(texts: readonly string[], known: Map<string, Float32Array>) {
    const vectors = await embedder.embed(texts);
    if (!db.isOpen) throw new Error("the embedder is closed");
    db.exec("BEGIN");
    try {
      for (const [i, text] of texts.entries()) {
        const vector = vectors[i];
        if (vector?.length !== embedder.dimension) {
          throw new Error(`${embedder.model} gave a vector of ${vector?.length} dimensions`);
        }
        known.set(text, vector);
        insert.run(hash(text), denseBytes(vector));
      }
    } finally {
      db.exec("COMMIT");
    }
  }

  return {
    model: embedder.model,
    dimension: embedder.dimension,
    async documents(texts) {
      const known = new Map<string, Float32Array>();
      const missing: string[] = [];
      for (const text of new Set(texts)) {
        const row = find.get(hash(text));
        if (row) known.set(text, denseVector(row.vector as Uint8Array));
        else missing.push(text);
      }
      await Promise.all(Array.from(batches(missing), (batch) => embedAndKeep(batch, known)));
      if (missing.length > 0 && db.isOpen) trim.run(maxRows);
      return texts.map((text) => known.get(text) as Float32Array);
    },
    async query(text) {
      const known = queries.get(text);
      const [vector] = known ? [known] : await embedder.embed([text], { urgent: true });
      if (!vector) throw new Error(`${embedder.model} gave no vector`);
      // Set again in either case: a Map iterates in order of insertion, so the first one is the least used.
      queries.delete(text);
      queries.set(text, vector);
      const [oldest] = queries.keys();
      if (queries.size > MAX_QUERIES && oldest !== undefined) queries.delete(oldest);
      return vector;
    },
    stop: () => embedder.close(),
    async close() {
      await embedder.close();
      if (db.isOpen) db.close();
    },
  };
}
