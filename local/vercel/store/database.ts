import { Sqlite } from "../../sqlite.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    org TEXT,
    repo TEXT,
    auto_assign INTEGER NOT NULL,
    port INTEGER NOT NULL,
    production_id TEXT,
    alias_request TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    seen_from INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS variables (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    type TEXT NOT NULL,
    target TEXT NOT NULL,
    comment TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS variables_project ON variables (project_id, key);
  CREATE TABLE IF NOT EXISTS deployments (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project_id TEXT NOT NULL,
    state TEXT NOT NULL,
    target TEXT,
    org TEXT NOT NULL,
    repo TEXT NOT NULL,
    ref TEXT NOT NULL,
    sha TEXT NOT NULL,
    meta TEXT NOT NULL,
    auto_assign INTEGER NOT NULL,
    promoted INTEGER NOT NULL DEFAULT 0,
    port INTEGER NOT NULL,
    error_code TEXT,
    error_message TEXT,
    created_at INTEGER NOT NULL,
    building_at INTEGER,
    ready_at INTEGER,
    seen_from INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deployments_project ON deployments (project_id, sha);
  CREATE INDEX IF NOT EXISTS deployments_state ON deployments (state);
  CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    deployment_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    type TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_deployment ON events (deployment_id, id);
  CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL,
    type TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    status INTEGER,
    said TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deliveries_pending ON deliveries (id) WHERE state = 'pending';
  CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    method TEXT,
    path TEXT NOT NULL,
    strikes TEXT NOT NULL,
    times INTEGER NOT NULL,
    fault TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS build_faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    times INTEGER NOT NULL,
    fault TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS holds (what TEXT PRIMARY KEY) STRICT;
`;

/** All that the local Vercel keeps, but what is in files. */
export class Database extends Sqlite {
  constructor(dir: string) {
    super(dir, "vercel.db", SCHEMA);
  }
}
