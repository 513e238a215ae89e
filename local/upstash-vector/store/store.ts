import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { SparseVector, VectorRecord } from "../types.ts";
import { denseBytes, denseVector, sparseBytes, sparseVector } from "./blobs.ts";

/** A record as it is in the store. */
export interface StoredRecord extends VectorRecord {
  readonly seq: number;
  readonly position: number;
}

/** Which parts of a record a change replaces; an absent one stays. */
export type RecordChange = Partial<Omit<VectorRecord, "id">>;

/** Which columns to read: text can be large, vectors are. */
export interface Columns {
  readonly vectors?: boolean;
  readonly metadata?: boolean;
  readonly data?: boolean;
}

/** Told of every change after it is committed, to keep what is in memory the same. */
export interface StoreListener {
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
  readonly #statements = new Map<string, StatementSync>();
  readonly #listener: StoreListener;

  constructor(db: DatabaseSync, listener: StoreListener) {
    this.db = db;
    this.#listener = listener;
  }

  /** The number of a namespace, or undefined when there is none of that name. The default one (`""`) always exists. */
  namespace(name: string): number | undefined {
    return this.#get("SELECT namespace FROM namespaces WHERE name = ?", name)?.namespace as
      | number
      | undefined;
  }

  /** Name and number of records of every namespace, the default one first. */
  namespaces(): { name: string; count: number }[] {
    return this.#all(`
      SELECT name, (SELECT count(*) FROM records r WHERE r.namespace = n.namespace) AS count
      FROM namespaces n ORDER BY namespace`) as { name: string; count: number }[];
  }

  /** Bytes of the database. */
  size(): number {
    const pages = Number(this.#get("PRAGMA page_count")?.page_count);
    return pages * Number(this.#get("PRAGMA page_size")?.page_size);
  }

  count(namespace: number): number {
    return Number(
      this.#get("SELECT count(*) AS count FROM records WHERE namespace = ?", namespace)?.count,
    );
  }

  /** Inserts or replaces whole records; creates the namespace. */
  upsert(name: string, records: readonly VectorRecord[]): void {
    const saved: [number, VectorRecord][] = [];
    let namespace = 0;
    this.#transaction(() => {
      this.#run("INSERT OR IGNORE INTO namespaces (name) VALUES (?)", name);
      namespace = this.namespace(name) ?? 0;
      for (const record of records) {
        const { id, metadata = null, data = null } = record;
        const known = this.#seq(namespace, id);
        const seq = known ?? this.#insert(namespace, id);
        this.#run("UPDATE records SET metadata = ?, data = ? WHERE seq = ?", metadata, data, seq);
        if (known !== undefined) this.#removeVectors(known);
        this.#insertVectors(namespace, seq, record);
        saved.push([seq, record]);
      }
    });
    for (const [seq, record] of saved) this.#listener.saved(namespace, seq, record);
  }

  /** Changes parts of a record. False when it does not exist. */
  update(namespace: number, id: string, change: RecordChange): boolean {
    const old = this.byId(namespace, id, { vectors: true, metadata: true, data: true });
    if (!old) return false;
    const record: VectorRecord = { ...old, ...change };
    this.#transaction(() => {
      const { metadata = null, data = null } = record;
      this.#run("UPDATE records SET metadata = ?, data = ? WHERE seq = ?", metadata, data, old.seq);
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
    const row = this.#get(`${select(columns)} WHERE r.seq = ?`, seq);
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
    return this.#all(sql, namespace, from, prefix, prefix, limit).map(toRecord);
  }

  /** A record of a namespace picked at random. */
  random(namespace: number, columns: Columns): StoredRecord | undefined {
    const sql = `${select(columns)} WHERE r.namespace = ? AND r.position >= abs(random()) %
      (SELECT max(position) + 1 FROM records WHERE namespace = ?) ORDER BY r.position LIMIT 1`;
    const row = this.#get(sql, namespace, namespace);
    return row && toRecord(row);
  }

  /** Every seq and metadata of a namespace, one at a time. */
  *metadata(namespace: number): Generator<{ seq: number; metadata: string | null }> {
    const sql = "SELECT seq, metadata FROM records WHERE namespace = ?";
    for (const row of this.#prepare(sql).iterate(namespace)) {
      yield row as { seq: number; metadata: string | null };
    }
  }

  /** Every vector of a namespace, one at a time. */
  *vectors(
    namespace: number,
  ): Generator<{ seq: number; dense?: Float32Array; sparse?: SparseVector }> {
    const sql = "SELECT seq, dense, sparse FROM vectors WHERE namespace = ?";
    for (const row of this.#prepare(sql).iterate(namespace)) {
      yield { seq: row.seq as number, ...toVectors(row) };
    }
  }

  seqs(namespace: number, by: { ids: readonly string[] } | { prefix: string }): number[] {
    if ("prefix" in by) {
      return this.#all(
        "SELECT seq FROM records WHERE namespace = ? AND substr(id, 1, length(?)) = ?",
        namespace,
        by.prefix,
        by.prefix,
      ).map((row) => row.seq as number);
    }
    const seqs = new Set(by.ids.map((id) => this.#seq(namespace, id)));
    return [...seqs].filter((seq) => seq !== undefined);
  }

  remove(namespace: number, seqs: readonly number[]): void {
    this.#transaction(() => {
      for (const seq of seqs) {
        this.#removeVectors(seq);
        this.#run("DELETE FROM records WHERE seq = ?", seq);
      }
    });
    this.#listener.removed(namespace, seqs);
  }

  /** Removes every record of a namespace, and the namespace itself when `drop` is set. */
  clear(namespace: number, options: { drop: boolean }): void {
    this.#transaction(() => {
      this.#run(
        "DELETE FROM sparse_dimensions WHERE rowid IN (SELECT seq FROM vectors WHERE namespace = ?)",
        namespace,
      );
      this.#run("DELETE FROM vectors WHERE namespace = ?", namespace);
      this.#run("DELETE FROM records WHERE namespace = ?", namespace);
      this.#run("UPDATE namespaces SET next_position = 0 WHERE namespace = ?", namespace);
      if (options.drop) this.#run("DELETE FROM namespaces WHERE namespace = ?", namespace);
    });
    this.#listener.cleared(namespace);
  }

  rename(namespace: number, name: string): void {
    this.#run("UPDATE namespaces SET name = ? WHERE namespace = ?", name, namespace);
  }

  #insert(namespace: number, id: string): number {
    const row = this.#get(
      "UPDATE namespaces SET next_position = next_position + 1 WHERE namespace = ? RETURNING next_position - 1 AS position",
      namespace,
    );
    const sql = "INSERT INTO records (namespace, position, id) VALUES (?, ?, ?)";
    return Number(this.#run(sql, namespace, Number(row?.position), id).lastInsertRowid);
  }

  #insertVectors(namespace: number, seq: number, { dense, sparse }: VectorRecord): void {
    this.#run(
      "INSERT INTO vectors (seq, namespace, dense, sparse) VALUES (?, ?, ?, ?)",
      seq,
      namespace,
      dense ? denseBytes(dense) : null,
      sparse ? sparseBytes(sparse) : null,
    );
    if (sparse) {
      const dimensions = Array.from(sparse.indices, (index) => dimensionTerm(namespace, index));
      const sql = "INSERT INTO sparse_dimensions (rowid, dimensions) VALUES (?, ?)";
      this.#run(sql, seq, dimensions.join(" "));
    }
  }

  #removeVectors(seq: number): void {
    this.#run("DELETE FROM vectors WHERE seq = ?", seq);
    this.#run("DELETE FROM sparse_dimensions WHERE rowid = ?", seq);
  }

  #seq(namespace: number, id: string): number | undefined {
    const sql = "SELECT seq FROM records WHERE namespace = ? AND id = ?";
    return this.#get(sql, namespace, id)?.seq as number | undefined;
  }

  #transaction(body: () => void): void {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.db.exec("COMMIT");
    } catch (error) {
      this.db.exec("ROLLBACK");
      throw error;
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #get(sql: string, ...values: SQLInputValue[]) {
    return this.#prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]) {
    return this.#prepare(sql).all(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#prepare(sql).run(...values);
  }
}

/** How a dimension of a namespace is written in the FTS5 index: letters and digits only. */
export function dimensionTerm(namespace: number, index: number): string {
  return `n${namespace}d${(index >>> 0).toString(16)}`;
}

type Row = Record<string, unknown>;

function select({ vectors, metadata, data }: Columns): string {
  const columns = ["r.seq", "r.position", "r.id"];
  if (metadata) columns.push("r.metadata");
  if (data) columns.push("r.data");
  if (vectors) columns.push("v.dense", "v.sparse");
  const join = vectors ? "JOIN vectors v ON v.seq = r.seq" : "";
  return `SELECT ${columns.join(", ")} FROM records r ${join}`;
}

function toRecord(row: Row): StoredRecord {
  return {
    seq: row.seq as number,
    position: row.position as number,
    id: row.id as string,
    ...(typeof row.metadata === "string" && { metadata: row.metadata }),
    ...(typeof row.data === "string" && { data: row.data }),
    ...toVectors(row),
  };
}

function toVectors({ dense, sparse }: Row): { dense?: Float32Array; sparse?: SparseVector } {
  return {
    ...(dense instanceof Uint8Array && { dense: denseVector(dense) }),
    ...(sparse instanceof Uint8Array && { sparse: sparseVector(sparse) }),
  };
}
