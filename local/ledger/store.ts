import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { NewFault, NewObject } from "./schemas.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS books (
    book TEXT PRIMARY KEY,
    head TEXT NOT NULL,
    allow_duplicates INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    book TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    head TEXT NOT NULL,
    marker TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS objects_marker ON objects (book, marker);
  CREATE INDEX IF NOT EXISTS objects_name ON objects (book, name);
  CREATE TABLE IF NOT EXISTS told_faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    book TEXT NOT NULL,
    strikes TEXT NOT NULL,
    times INTEGER NOT NULL,
    fault TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS told_faults_book ON told_faults (book);
`;

/** The head of a book that nobody has moved yet. */
const FIRST_HEAD = "h0";

export interface LedgerObject extends NewObject {
  readonly id: string;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
}

/** Why an object was not made. */
export interface Refusal {
  readonly code: "head_moved" | "name_taken" | "marker_taken";
  readonly head: string;
}

export type Fault = Pick<NewFault, "fault" | "ms" | "status" | "body">;

interface ObjectRow {
  id: number;
  kind: string;
  name: string;
  value: string;
  head: string;
  marker: string;
  created_at: number;
}

/** The service's state: one sqlite file in `dir`. What was answered survives the end of the process. */
export class LedgerStore {
  readonly #db: DatabaseSync;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.#db = new DatabaseSync(join(dir, "ledger.db"), { timeout: 5000 });
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    this.#db.exec(SCHEMA);
  }

  /** The state that a book is in; every book exists. */
  head(book: string): string {
    const row = this.#db.prepare("SELECT head FROM books WHERE book = ?").get(book);
    return row ? String(row.head) : FIRST_HEAD;
  }

  moveHead(book: string, head: string): void {
    this.#db
      .prepare(
        "INSERT INTO books (book, head) VALUES (?, ?) ON CONFLICT DO UPDATE SET head = excluded.head",
      )
      .run(book, head);
  }

  allowDuplicates(book: string, allowed: boolean): void {
    this.#db
      .prepare(
        `INSERT INTO books (book, head, allow_duplicates) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET allow_duplicates = excluded.allow_duplicates`,
      )
      .run(book, FIRST_HEAD, Number(allowed));
  }

  /**
   * Makes an object, or says why not. One statement after another in one thread, so nothing comes between.
   * @param delayMs how long readers do not see it.
   */
  create(book: string, object: NewObject, delayMs: number): LedgerObject | Refusal {
    const head = this.head(book);
    if (object.head !== head) return { code: "head_moved", head };
    const taken = this.#duplicatesAllowed(book) ? undefined : this.#taken(book, object);
    if (taken) return { code: taken, head };
    const now = Date.now();
    const { kind, name, value, marker } = object;
    const { lastInsertRowid } = this.#db
      .prepare(
        `INSERT INTO objects (book, kind, name, value, head, marker, created_at, visible_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(book, kind, name, JSON.stringify(value), head, marker, now, now + delayMs);
    return { ...object, id: objectId(lastInsertRowid), createdAt: new Date(now).toISOString() };
  }

  /** A book's objects that readers see by now, oldest first; with a marker only those that carry it. */
  objects(book: string, marker: string | undefined, limit: number): LedgerObject[] {
    return this.#select(book, marker ?? null, Date.now(), limit);
  }

  /** All of a book's objects, also those that readers do not see yet. */
  everything(book: string, limit: number): LedgerObject[] {
    return this.#select(book, null, Number.MAX_SAFE_INTEGER, limit);
  }

  addFault({ book, times, on, ...fault }: NewFault): void {
    const strikes = on ?? (fault.fault === "error500" ? "any" : "create");
    this.#db
      .prepare("INSERT INTO told_faults (book, strikes, times, fault) VALUES (?, ?, ?, ?)")
      .run(book, strikes, times, JSON.stringify(fault));
  }

  clearFaults(book: string): void {
    this.#db.prepare("DELETE FROM told_faults WHERE book = ?").run(book);
  }

  /** The oldest fault of the book that strikes what is asked, used up by one; undefined when there is none. */
  takeFault(book: string, what: "create" | "read"): Fault | undefined {
    const row = this.#db
      .prepare(
        "SELECT id, fault FROM told_faults WHERE book = ? AND strikes IN (?, 'any') ORDER BY id LIMIT 1",
      )
      .get(book, what) as { id: number; fault: string } | undefined;
    if (!row) return undefined;
    this.#db.prepare("UPDATE told_faults SET times = times - 1 WHERE id = ?").run(row.id);
    this.#db.prepare("DELETE FROM told_faults WHERE id = ? AND times <= 0").run(row.id);
    return JSON.parse(row.fault);
  }

  close(): void {
    this.#db.close();
  }

  #select(book: string, marker: string | null, seenBy: number, limit: number): LedgerObject[] {
    const rows = this.#db
      .prepare(
        `SELECT * FROM objects WHERE book = ?1 AND visible_at <= ?2 AND (?3 IS NULL OR marker = ?3)
         ORDER BY id LIMIT ?4`,
      )
      .all(book, seenBy, marker, limit) as unknown as ObjectRow[];
    return rows.map(({ id, kind, name, value, head, marker, created_at }) => ({
      id: objectId(id),
      kind,
      name,
      value: JSON.parse(value),
      head,
      marker,
      createdAt: new Date(created_at).toISOString(),
    }));
  }

  #duplicatesAllowed(book: string): boolean {
    const row = this.#db.prepare("SELECT allow_duplicates FROM books WHERE book = ?").get(book);
    return row?.allow_duplicates === 1;
  }

  #taken(book: string, { name, marker }: NewObject): Refusal["code"] | undefined {
    const by = (column: "name" | "marker", value: string) =>
      this.#db.prepare(`SELECT 1 FROM objects WHERE book = ? AND ${column} = ?`).get(book, value);
    if (by("name", name)) return "name_taken";
    return by("marker", marker) && "marker_taken";
  }
}

const objectId = (row: number | bigint) => `obj_${row}`;
