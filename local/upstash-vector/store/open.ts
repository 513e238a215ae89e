import { DatabaseSync } from "node:sqlite";
import { load } from "sqlite-vec";
import type { IndexType } from "../types.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS namespaces (
    namespace INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next_position INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace INTEGER NOT NULL REFERENCES namespaces,
    position INTEGER NOT NULL,
    id TEXT NOT NULL, metadata TEXT, data TEXT,
    UNIQUE (namespace, id), UNIQUE (namespace, position)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS vectors (
    seq INTEGER PRIMARY KEY REFERENCES records, namespace INTEGER NOT NULL, dense BLOB, sparse BLOB
  ) STRICT;
  CREATE INDEX IF NOT EXISTS vectors_namespace ON vectors (namespace);
  CREATE VIRTUAL TABLE IF NOT EXISTS sparse_dimensions USING fts5 (
    dimensions, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
  );
  INSERT OR IGNORE INTO namespaces (namespace, name) VALUES (1, '');
`;

const SQLITE_BUSY = 5;

/** What an index is made for; fixed when its directory is first used. */
export interface IndexSettings {
  readonly type: IndexType;
  readonly model: string;
  readonly dimension: number;
}

/**
 * Opens the index in `file`, or creates it. Every commit is on disk before it is acknowledged (WAL with full sync).
 * Throws when the index was made with other settings: its vectors could not be compared with new ones.
 */
export function openDatabase(file: string, settings: IndexSettings): DatabaseSync {
  const db = new DatabaseSync(file, { allowExtension: true });
  try {
    load(db);
    db.enableLoadExtension(false);
    // Exclusive, because what is kept in memory would not see another process's writes.
    db.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA cache_size = -16384;
      BEGIN IMMEDIATE;
      ${SCHEMA}
      COMMIT;
    `);
    for (const [name, wanted] of Object.entries(settings)) check(db, name, String(wanted), file);
    return db;
  } catch (error) {
    db.close();
    const isLocked = (error as { errcode?: number }).errcode === SQLITE_BUSY;
    throw isLocked ? new Error(`the index in ${file} is open elsewhere`, { cause: error }) : error;
  }
}

function check(db: DatabaseSync, name: string, wanted: string, file: string): void {
  db.prepare("INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)").run(name, wanted);
  const row = db.prepare("SELECT value FROM settings WHERE name = ?").get(name);
  if (row?.value !== wanted) {
    throw new Error(
      `the index in ${file} has ${name} ${row?.value}, not ${wanted}: open it with that, or use another directory`,
    );
  }
}
