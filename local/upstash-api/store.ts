import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS indexes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    region TEXT NOT NULL,
    settings TEXT NOT NULL,
    token TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('creating', 'ready', 'deleting')),
    created_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS databases (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    read_only_token TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS redis_keys (
    database TEXT NOT NULL REFERENCES databases ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (database, key)
  ) STRICT;
`;

/** What the creation of an index said; all of it is told again, the type is what the local vector server heeds. */
export interface IndexSettings {
  readonly index_type: "DENSE" | "SPARSE" | "HYBRID";
  readonly similarity_function: string;
  readonly dimension_count: number;
  readonly embedding_model?: string | undefined;
  readonly sparse_embedding_model?: string | undefined;
}

export interface IndexRow {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly settings: IndexSettings;
  readonly token: string;
  readonly state: "creating" | "ready" | "deleting";
  /** Unix time in seconds, as Upstash tells it. */
  readonly created_at: number;
}

export interface DatabaseRow {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly token: string;
  readonly read_only_token: string;
  readonly created_at: number;
}

/** What an account has: one sqlite file in `dir`. What was answered survives the end of the process. */
export class AccountStore {
  readonly db: DatabaseSync;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.db = new DatabaseSync(join(dir, "upstash-api.db"), { timeout: 5000 });
    this.db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
    );
    this.db.exec(SCHEMA);
  }

  /** Notes an index that is about to be made; false when there is one of that name. */
  addIndex(row: Omit<IndexRow, "state">): boolean {
    const { id, name, region, settings, token, created_at } = row;
    const { changes } = this.run(
      `INSERT INTO indexes (id, name, region, settings, token, state, created_at, visible_at)
       VALUES (?, ?, ?, ?, ?, 'creating', ?, 0) ON CONFLICT (name) DO NOTHING`,
      ...[id, name, region, JSON.stringify(settings), token, created_at],
    );
    return changes > 0;
  }

  /** @param delayMs how long readers do not see it. */
  indexReady(id: string, delayMs: number): void {
    const visible = Date.now() + delayMs;
    this.run("UPDATE indexes SET state = 'ready', visible_at = ? WHERE id = ?", visible, id);
  }

  indexDeleting(id: string): void {
    this.run("UPDATE indexes SET state = 'deleting' WHERE id = ?", id);
  }

  removeIndex(id: string): void {
    this.run("DELETE FROM indexes WHERE id = ?", id);
  }

  /** Those that readers see, or all in whatever state. */
  indexes(which: "seen" | "all"): IndexRow[] {
    const by = which === "seen" ? Date.now() : Number.MAX_SAFE_INTEGER;
    const rows = this.#all<Omit<IndexRow, "settings"> & { settings: string }>(
      `SELECT * FROM indexes WHERE visible_at <= ? AND (? = 'all' OR state = 'ready') ORDER BY created_at, id`,
      ...[by, which],
    );
    return rows.map(({ settings, ...row }) => ({ ...row, settings: JSON.parse(settings) }));
  }

  addDatabase(row: DatabaseRow, delayMs: number): void {
    const { id, name, region, token, read_only_token, created_at } = row;
    this.run(
      `INSERT INTO databases (id, name, region, token, read_only_token, created_at, visible_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[id, name, region, token, read_only_token, created_at, Date.now() + delayMs],
    );
  }

  /** Removes a database with its keys. */
  removeDatabase(id: string): void {
    this.run("DELETE FROM databases WHERE id = ?", id);
  }

  databases(which: "seen" | "all"): DatabaseRow[] {
    const by = which === "seen" ? Date.now() : Number.MAX_SAFE_INTEGER;
    return this.#all("SELECT * FROM databases WHERE visible_at <= ? ORDER BY created_at, id", by);
  }

  /** The value of a key that has not expired. */
  get(database: string, key: string): { value: string; expires_at: number | null } | undefined {
    const [row] = this.#all<{ value: string; expires_at: number | null }>(
      `SELECT value, expires_at FROM redis_keys
       WHERE database = ? AND key = ? AND (expires_at IS NULL OR expires_at > ?)`,
      ...[database, key, Date.now()],
    );
    return row;
  }

  set(database: string, key: string, value: string, expiresAt: number | null): void {
    this.run(
      `INSERT INTO redis_keys (database, key, value, expires_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
      ...[database, key, value, expiresAt],
    );
  }

  /** Whether there was one. */
  unset(database: string, key: string): boolean {
    const was = this.get(database, key) !== undefined;
    this.run("DELETE FROM redis_keys WHERE database = ? AND key = ?", database, key);
    return was;
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number } {
    return { changes: Number(this.db.prepare(sql).run(...values).changes) };
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }

  #all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.db.prepare(sql).all(...values) as unknown as Row[];
  }
}
