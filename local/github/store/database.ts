import { Sqlite } from "../../sqlite.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE COLLATE NOCASE,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    repos TEXT,
    permission TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS repos (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    private INTEGER NOT NULL,
    description TEXT,
    default_branch TEXT NOT NULL,
    created_at TEXT NOT NULL,
    pushed_at TEXT NOT NULL,
    UNIQUE (owner, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS refs (
    repo_id INTEGER NOT NULL,
    ref TEXT NOT NULL,
    sha TEXT NOT NULL,
    PRIMARY KEY (repo_id, ref)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS pulls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    login TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT,
    draft INTEGER NOT NULL,
    state TEXT NOT NULL,
    head_ref TEXT NOT NULL,
    head_sha TEXT NOT NULL,
    base_ref TEXT NOT NULL,
    base_sha TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    closed_at TEXT,
    merged_at TEXT,
    merged_by TEXT,
    merge_sha TEXT,
    merging_by TEXT,
    merging_sha TEXT,
    UNIQUE (repo_id, number)
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS pulls_open ON pulls (repo_id, head_ref, base_ref) WHERE state = 'open';
  CREATE TABLE IF NOT EXISTS statuses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL,
    sha TEXT NOT NULL,
    state TEXT NOT NULL,
    context TEXT NOT NULL,
    description TEXT,
    target_url TEXT,
    login TEXT NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS statuses_sha ON statuses (repo_id, sha);
  CREATE TABLE IF NOT EXISTS check_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL,
    head_sha TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    conclusion TEXT,
    started_at TEXT,
    completed_at TEXT,
    external_id TEXT,
    details_url TEXT,
    output TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS check_runs_sha ON check_runs (repo_id, head_sha);
  CREATE TABLE IF NOT EXISTS protections (
    repo_id INTEGER NOT NULL,
    branch TEXT NOT NULL,
    strict INTEGER NOT NULL,
    contexts TEXT NOT NULL,
    enforce_admins INTEGER NOT NULL,
    PRIMARY KEY (repo_id, branch)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS hooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo_id INTEGER NOT NULL,
    url TEXT NOT NULL,
    secret TEXT,
    events TEXT NOT NULL,
    active INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (repo_id, url)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL,
    hook_id INTEGER NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    status INTEGER,
    said TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (hook_id, id) WHERE state = 'pending';
  CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    repo TEXT COLLATE NOCASE,
    method TEXT,
    path TEXT NOT NULL,
    strikes TEXT NOT NULL,
    times INTEGER NOT NULL,
    fault TEXT NOT NULL
  ) STRICT;
`;

/** All that the local GitHub keeps, but what is in files. */
export class Database extends Sqlite {
  constructor(dir: string) {
    super(dir, "github.db", SCHEMA);
  }
}

/** A UTC time in the form that GitHub writes: `2026-01-31T12:00:00Z`. */
export function timestamp(ms: number = Date.now()): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
