import { join } from "node:path";
import { type CachedEmbedder, cachedEmbedder } from "./embed/cache.ts";
import type { Embedder } from "./embed/embedder.ts";
import { VectorError } from "./errors.ts";
import { FilterError } from "./filter/ast.ts";
import { compileFilter } from "./filter/evaluate.ts";
import { parseFilter } from "./filter/parse.ts";
import { type Search, search } from "./search/query.ts";
import { Views } from "./search/views.ts";
import { openDatabase } from "./store/open.ts";
import { Store } from "./store/store.ts";
import { documentVector, queryVector } from "./text/bm25.ts";
import type { Hit, IndexType, SparseVector, VectorRecord } from "./types.ts";

export interface IndexOptions {
  readonly dir: string;
  readonly type: IndexType;
  readonly embedder: Embedder;
  /** Most bytes of vectors kept in memory. */
  readonly memory: number;
}

/** A text to be embedded, or vectors that the caller made. */
export type Content =
  | { readonly data: string }
  | { readonly dense?: Float32Array; readonly sparse?: SparseVector };

/** A query after its text was embedded, so that it can be run again. */
export interface PreparedQuery extends Search {
  readonly namespace: string;
  readonly filter?: (metadata: unknown) => boolean;
}

export type QueryMode = "HYBRID" | "DENSE" | "SPARSE";

/** The index behind the HTTP interface: embeds, stores, searches. All reads see every acknowledged write. */
export class VectorIndex {
  readonly type: IndexType;
  readonly store: Store;
  readonly embedder: CachedEmbedder;
  #closing = false;
  readonly #views: Views;
  readonly #pending = new Map<string, number>();

  constructor({ dir, type, embedder, memory }: IndexOptions) {
    const { model, dimension } = embedder;
    this.type = type;
    this.#views = new Views(dimension, memory);
    const db = openDatabase(join(dir, "index.db"), { type, model, dimension });
    this.store = new Store(db, this.#views);
    this.embedder = cachedEmbedder(embedder, join(dir, "embeddings.db"));
  }

  /** Embeds texts and stores them. They count as pending until they are stored, then they can be found. */
  async upsertData(
    namespace: string,
    items: readonly (Omit<VectorRecord, "dense" | "sparse"> & { data: string })[],
  ): Promise<void> {
    this.#addPending(namespace, items.length);
    try {
      const vectors = await this.embedDocuments(items.map(({ data }) => data));
      this.store.upsert(
        namespace,
        items.map((item, i) => ({ ...item, ...vectors[i] })),
      );
    } finally {
      this.#addPending(namespace, -items.length);
    }
  }

  /** Dense and sparse vectors of texts, as far as the index has them. */
  async embedDocuments(
    texts: readonly string[],
  ): Promise<{ dense?: Float32Array; sparse?: SparseVector }[]> {
    const dense =
      this.type === "SPARSE" ? [] : await this.#embedding(this.embedder.documents(texts));
    return texts.map((text, i) => ({
      ...(dense[i] && { dense: dense[i] }),
      ...(this.type !== "DENSE" && { sparse: documentVector(text) }),
    }));
  }

  /** Vectors of a query. Throws a {@link VectorError} for a query that this index cannot answer. */
  async prepare(
    namespace: string,
    content: Content,
    options: Omit<Search, "dense" | "sparse"> & { mode: QueryMode; filter?: string },
  ): Promise<PreparedQuery> {
    const { weighted, fusion, filter } = options;
    const wantsDense = options.mode !== "SPARSE" && this.type !== "SPARSE";
    const wantsSparse = options.mode !== "DENSE" && this.type !== "DENSE";
    const test = filter ? compileFilter(parse(filter)) : undefined;
    const vectors =
      "data" in content
        ? {
            dense: wantsDense
              ? await this.#embedding(this.embedder.query(content.data))
              : undefined,
            sparse: queryVector(content.data),
          }
        : content;
    const dense = wantsDense ? vectors.dense : undefined;
    const sparse = wantsSparse ? vectors.sparse : undefined;
    if (!dense && !sparse) {
      throw new VectorError(
        422,
        `This query has no vector for the ${options.mode} mode of the index`,
      );
    }
    return { namespace, dense, sparse, weighted, fusion, filter: test };
  }

  /**
   * The `k` best records of a query; an unknown namespace has none.
   *
   * @param given records that a resumed query has had: they are left out, and those found now are added
   */
  async run(query: PreparedQuery, k: number, given?: Set<number>): Promise<Hit[]> {
    const namespace = this.store.namespace(query.namespace);
    if (namespace === undefined) return [];
    await this.#views.load(this.store, namespace);
    const { filter } = query;
    const searchable = this.#views.searchable(this.store, namespace);
    const accept = (seq: number) =>
      !given?.has(seq) && (!filter || filter(searchable.metadata(seq)));
    const hits = search(searchable, query, k, accept, given && k);
    for (const { seq } of hits) given?.add(seq);
    return hits;
  }

  /** Removes the records whose metadata matches; the number of them. */
  removeMatching(namespace: number | undefined, filter: string): number {
    const test = compileFilter(parse(filter));
    if (namespace === undefined) return 0;
    const seqs: number[] = [];
    for (const { seq, metadata } of this.store.metadata(namespace)) {
      if (test(metadata === null ? undefined : JSON.parse(metadata))) seqs.push(seq);
    }
    this.store.remove(namespace, seqs);
    return seqs.length;
  }

  /** How many texts of a namespace are being embedded. */
  pending(namespace: string): number {
    return this.#pending.get(namespace) ?? 0;
  }

  get pendingCount(): number {
    return [...this.#pending.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Fails what waits for the model from now on; what does not need it goes on until {@link close}. */
  async stopEmbedding(): Promise<void> {
    this.#closing = true;
    await this.embedder.stop();
  }

  async close(): Promise<void> {
    await this.stopEmbedding();
    await this.embedder.close();
    if (this.store.db.isOpen) this.store.db.close();
  }

  async #embedding<T>(vectors: Promise<T>): Promise<T> {
    try {
      return await vectors;
    } catch (error) {
      if (this.#closing) throw new VectorError(503, "The server is closing");
      throw error;
    }
  }

  #addPending(namespace: string, count: number): void {
    const pending = this.pending(namespace) + count;
    if (pending === 0) this.#pending.delete(namespace);
    else this.#pending.set(namespace, pending);
  }
}

function parse(filter: string) {
  try {
    return parseFilter(filter);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw new VectorError(422, `Invalid filter: ${error.message}`);
  }
}
