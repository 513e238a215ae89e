import type { DatabaseSync } from "node:sqlite";
import type { SparseVector, VectorRecord } from "../types.ts";
import { denseBytes, sparseBytes } from "./blobs.ts";
import { type Columns, type StoredRecord, select, toRecord, toVectors } from "./rows.ts";
import { Statements } from "./statements.ts";

/** Which parts of a record a change replaces; an absent one stays. */
export type RecordChange = Partial<Omit<VectorRecord, "id">>;

/** Told of every change after it is committed, to keep what is in memory the same. */
export interface StoreListener {
  /** A namespace that has no records yet. */
  created(store: Store, namespace: number): void;
  saved(namespace: number, seq: number, record: VectorRecord): void;
  removed(namespace: number, seqs: readonly number[]): void;
  cleared(namespace: number): void;
}

/**
 * Records by namespace, in SQLite. A namespace is a number here; names are looked up by {@link namespace}.
 * Each method is one transaction. `position` numbers a namespace's records in the order they first came.
 */
export class Store {
  readonly db: DatabaseSync;
  readonly #sql: Statements;
  readonly #listener: StoreListener;

  constructor(db: DatabaseSync, listener: StoreListener) {
    this.db = db;
    this.#sql = new Statements(db);
    this.#listener = listener;
  }

  /** The number of a namespace, or undefined when there is none of that name. The default one (`""`) always exists. */
  namespace(name: string): number | undefined {
    return this.#sql.get("SELECT namespace FROM namespaces WHERE name = ?", name)?.namespace as
      | number
      | undefined;
  }

  /** Name and number of records of every namespace, the default one first. */
  namespaces(): { name: string; count: number }[] {
    return this.#sql.all(`
      SELECT name, (SELECT count(*) FROM records r WHERE r.namespace = n.namespace) AS count
      FROM namespaces n ORDER BY namespace`) as { name: string; count: number }[];
  }

  /** Bytes of the database. */
  size(): number {
    const pages = Number(this.#sql.get("PRAGMA page_count")?.page_count);
    return pages * Number(this.#sql.get("PRAGMA page_size")?.page_size);
  }

  count(namespace: number): number {
    return Number(
      this.#sql.get("SELECT count(*) AS count FROM records WHERE namespace = ?", namespace)?.count,
    );
  }

  /** Inserts or replaces whole records; creates the namespace. */
  upsert(name: string, records: readonly VectorRecord[]): void {
    const saved: [number, VectorRecord][] = [];
    let namespace = 0;
    let isNew = false;
    this.#sql.transaction(() => {
      const insert = "INSERT OR IGNORE INTO namespaces (name) VALUES (?)";
      isNew = this.#sql.run(insert, name).changes === 1;
      namespace = this.namespace(name) ?? 0;
      for (const record of records) {
        const { id, metadata = null, data = null } = record;
        const known = this.#seq(namespace, id);
        const seq = known ?? this.#insert(namespace, id);
        this.#sql.run(
          "UPDATE records SET metadata = ?, data = ? WHERE seq = ?",
          metadata,
          data,
          seq,
        );
        if (known !== undefined) this.#removeVectors(known);
        this.#insertVectors(namespace, seq, record);
        saved.push([seq, record]);
      }
    });
    if (isNew) this.#listener.created(this, namespace);
    for (const [seq, record] of saved) this.#listener.saved(namespace, seq, record);
  }

  /** Changes parts of a record. False when it does not exist. */
  update(namespace: number, id: string, change: RecordChange): boolean {
    const old = this.byId(namespace, id, { vectors: true, metadata: true, data: true });
    if (!old) return false;
    const record: VectorRecord = { ...old, ...change };
    this.#sql.transaction(() => {
      const { metadata = null, data = null } = record;
      this.#sql.run(
        "UPDATE records SET metadata = ?, data = ? WHERE seq = ?",
        metadata,
        data,
        old.seq,
      );
      if (change.dense || change.sparse) {
        this.#removeVectors(old.seq);
        this.#insertVectors(namespace, old.seq, record);
      }
    });
    this.#listener.saved(namespace, old.seq, record);
    return true;
  }

  byId(namespace: number, id: string, columns: Columns): StoredRecord | undefined {
    const seq = this.#seq(namespace, id);
    return seq === undefined ? undefined : this.bySeq(seq, columns);
  }

  bySeq(seq: number, columns: Columns): StoredRecord | undefined {
    const row = this.#sql.get(`${select(columns)} WHERE r.seq = ?`, seq);
    return row && toRecord(row);
  }

  /** Up to `limit` records from a position on, in order, of ids with a prefix (`""`: all). */
  range(
    namespace: number,
    range: { prefix: string; from: number; limit: number },
    columns: Columns,
  ): StoredRecord[] {
    const sql = `${select(columns)} WHERE r.namespace = ? AND r.position >= ?
      AND substr(r.id, 1, length(?)) = ? ORDER BY r.position LIMIT ?`;
    const { prefix, from, limit } = range;
    return this.#sql.all(sql, namespace, from, prefix, prefix, limit).map(toRecord);
  }

  /** A record of a namespace picked at random. */
  random(namespace: number, columns: Columns): StoredRecord | undefined {
    const sql = `${select(columns)} WHERE r.namespace = ? AND r.position >= abs(random()) %
      (SELECT max(position) + 1 FROM records WHERE namespace = ?) ORDER BY r.position LIMIT 1`;
    const row = this.#sql.get(sql, namespace, namespace);
    return row && toRecord(row);
  }

  /** Every seq and metadata of a namespace, one at a time. */
  *metadata(namespace: number): Generator<{ seq: number; metadata: string | null }> {
    const sql = "SELECT seq, metadata FROM records WHERE namespace = ?";
    for (const row of this.#sql.iterate(sql, namespace)) {
      yield row as { seq: number; metadata: string | null };
    }
  }

  /** Vectors of up to `limit` records after one, in the order of seq. */
  vectors(
    namespace: number,
    { after, limit }: { after: number; limit: number },
  ): { seq: number; dense?: Float32Array; sparse?: SparseVector }[] {
    const sql = `SELECT seq, dense, sparse FROM vectors
      WHERE namespace = ? AND seq > ? ORDER BY seq LIMIT ?`;
    const rows = this.#sql.all(sql, namespace, after, limit);
    return rows.map((row) => ({ seq: row.seq as number, ...toVectors(row) }));
  }

  seqs(namespace: number, by: { ids: readonly string[] } | { prefix: string }): number[] {
    if ("prefix" in by) {
      return this.#sql
        .all(
          "SELECT seq FROM records WHERE namespace = ? AND substr(id, 1, length(?)) = ?",
          namespace,
          by.prefix,
          by.prefix,
        )
        .map((row) => row.seq as number);
    }
    const seqs = new Set(by.ids.map((id) => this.#seq(namespace, id)));
    return [...seqs].filter((seq) => seq !== undefined);
  }

  remove(namespace: number, seqs: readonly number[]): void {
    this.#sql.transaction(() => {
      for (const seq of seqs) {
        this.#removeVectors(seq);
        this.#sql.run("DELETE FROM records WHERE seq = ?", seq);
      }
    });
    this.#listener.removed(namespace, seqs);
  }

  /** Removes every record of a namespace, and the namespace itself when `drop` is set. */
  clear(namespace: number, options: { drop: boolean }): void {
    this.#sql.transaction(() => {
      this.#sql.run(
        "DELETE FROM sparse_dimensions WHERE rowid IN (SELECT seq FROM vectors WHERE namespace = ?)",
        namespace,
      );
      this.#sql.run("DELETE FROM vectors WHERE namespace = ?", namespace);
      this.#sql.run("DELETE FROM records WHERE namespace = ?", namespace);
      this.#sql.run("UPDATE namespaces SET next_position = 0 WHERE namespace = ?", namespace);
      if (options.drop) this.#sql.run("DELETE FROM namespaces WHERE namespace = ?", namespace);
    });
    this.#listener.cleared(namespace);
  }

  rename(namespace: number, name: string): void {
    this.#sql.run("UPDATE namespaces SET name = ? WHERE namespace = ?", name, namespace);
  }

  #insert(namespace: number, id: string): number {
    const row = this.#sql.get(
      "UPDATE namespaces SET next_position = next_position + 1 WHERE namespace = ? RETURNING next_position - 1 AS position",
      namespace,
    );
    const sql = "INSERT INTO records (namespace, position, id) VALUES (?, ?, ?)";
    return Number(this.#sql.run(sql, namespace, Number(row?.position), id).lastInsertRowid);
  }

  #insertVectors(namespace: number, seq: number, { dense, sparse }: VectorRecord): void {
    this.#sql.run(
      "INSERT INTO vectors (seq, namespace, dense, sparse) VALUES (?, ?, ?, ?)",
      seq,
      namespace,
      dense ? denseBytes(dense) : null,
      sparse ? sparseBytes(sparse) : null,
    );
    if (sparse) {
      const dimensions = Array.from(sparse.indices, (index) => dimensionTerm(namespace, index));
      const sql = "INSERT INTO sparse_dimensions (rowid, dimensions) VALUES (?, ?)";
      this.#sql.run(sql, seq, dimensions.join(" "));
    }
  }

  #removeVectors(seq: number): void {
    this.#sql.run("DELETE FROM vectors WHERE seq = ?", seq);
    this.#sql.run("DELETE FROM sparse_dimensions WHERE rowid = ?", seq);
  }

  #seq(namespace: number, id: string): number | undefined {
    const sql = "SELECT seq FROM records WHERE namespace = ? AND id = ?";
    return this.#sql.get(sql, namespace, id)?.seq as number | undefined;
  }
}

/** How a dimension of a namespace is written in the FTS5 index: letters and digits only. */
export function dimensionTerm(namespace: number, index: number): string {
  return `n${namespace}d${(index >>> 0).toString(16)}`;
}
