import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS projects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    region TEXT NOT NULL,
    org_id TEXT,
    branch_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    database TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL UNIQUE,
    password TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('creating', 'ready', 'deleting')),
    created_at TEXT NOT NULL,
    visible_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS projects_name ON projects (name);
`;

export interface ProjectRow {
  /** Counts up: in this order they are listed, and the number is the id of the database. */
  readonly seq: number;
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly org_id: string | null;
  readonly branch_id: string;
  readonly endpoint_id: string;
  readonly database: string;
  readonly role: string;
  readonly password: string;
  readonly state: "creating" | "ready" | "deleting";
  /** UTC, ISO 8601. */
  readonly created_at: string;
}

/** The projects: one sqlite file in `dir`. What was answered survives the end of the process. */
export class ProjectStore {
  readonly db: DatabaseSync;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.db = new DatabaseSync(join(dir, "neon-api.db"), { timeout: 5000 });
    this.db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    this.db.exec(SCHEMA);
  }

  /** Notes a project that is about to be made. */
  add(row: Omit<ProjectRow, "seq" | "state">): void {
    const { id, name, region, org_id, branch_id, endpoint_id, database, role } = row;
    this.db
      .prepare(
        `INSERT INTO projects (id, name, region, org_id, branch_id, endpoint_id, database, role, password, state,
           created_at, visible_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'creating', ?, 0)`,
      )
      .run(
        ...[id, name, region, org_id, branch_id, endpoint_id, database, role],
        ...[row.password, row.created_at],
      );
  }

  /** @param delayMs how long readers do not see it. */
  ready(id: string, delayMs: number): void {
    this.db
      .prepare("UPDATE projects SET state = 'ready', visible_at = ? WHERE id = ?")
      .run(Date.now() + delayMs, id);
  }

  deleting(id: string): void {
    this.db.prepare("UPDATE projects SET state = 'deleting' WHERE id = ?").run(id);
  }

  remove(id: string): void {
    this.db.prepare("DELETE FROM projects WHERE id = ?").run(id);
  }

  /** A project that readers see. */
  find(id: string): ProjectRow | undefined {
    return this.#rows("id = ? AND state = 'ready' AND visible_at <= ?", id, Date.now())[0];
  }

  /** Those that readers see, after `cursor`, in the order in which they were made. */
  list(by: { search: string; org: string | null; cursor: number; limit: number }): ProjectRow[] {
    return this.#rows(
      `state = 'ready' AND visible_at <= ? AND seq > ? AND (? IS NULL OR org_id = ?)
       AND (instr(name, ?) > 0 OR instr(id, ?) > 0) ORDER BY seq LIMIT ?`,
      ...[Date.now(), by.cursor, by.org, by.org, by.search, by.search, by.limit],
    );
  }

  /** All that there are, in whatever state. */
  all(): ProjectRow[] {
    return this.#rows("true ORDER BY seq");
  }

  close(): void {
    if (this.db.isOpen) this.db.close();
  }

  #rows(where: string, ...values: (string | number | null)[]): ProjectRow[] {
    return this.db
      .prepare(`SELECT * FROM projects WHERE ${where}`)
      .all(...values) as unknown as ProjectRow[];
  }
}
