import { sql } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { db } from "./client.ts";

/** Every table of docs' data model with its minimum fields, and of the effect ledger. */
const TABLES = {
  projects: "id owner_user_id name slug status created_at updated_at",
  project_skills: "id project_id name name_norm description content metadata created_at updated_at",
  project_files:
    "id project_id name aliases mime_type format size_bytes sha256 source_url expected_sha256 blob_ref status extraction_version page_count chunk_count reject_code reject_reason ingested_at created_at updated_at",
  file_names: "project_id name file_id came_at",
  file_removals: "file_id project_id ingesting created_at updated_at",
  file_chunks:
    "id project_id file_id file_sha256 extraction_version ordinal content breadcrumbs content_sha256 token_count page_start page_end start_offset end_offset indexed_at created_at",
  runs: "id project_id kind status mode input requested_by event_id inngest_run_id error created_at started_at ended_at",
  run_steps:
    "id run_id step_id step_name kind status inputs outputs output_ref attempt error started_at ended_at",
  artifacts:
    "id project_id run_id kind logical_key version content content_sha256 metadata created_at",
  chat_threads: "id project_id title created_at updated_at",
  chat_messages: "id thread_id role content created_at",
  citations:
    "id project_id artifact_id message_id chunk_id file_id file_sha256 extraction_version chunk_sha256 start_offset end_offset quote",
  model_calls:
    "id project_id run_id message_id step_id model input_tokens output_tokens ms outcome created_at",
  findings: "id project_id effect_id detail created_at last_seen_at gone_at",
  repos:
    "id project_id provider owner name default_branch html_url clone_url created_at updated_at",
  code_files:
    "repo_id key path blob_sha language commit_sha from_generation to_generation chunk_count skipped indexed_at",
  approvals:
    "id project_id run_id step_id scope intent_summary intent_hash status approved_at approved_by expires_at policy_version plan_artifact_id metadata",
  approval_decisions:
    "id approval_id decision decided_by assurance intent_hash signature signature_key_id nonce",
  deployments:
    "id project_id run_id provider vercel_project_id vercel_deployment_id deployment_url status started_at ended_at metadata",
  infra_resources:
    "id project_id run_id provider resource_type external_id region metadata created_at updated_at",
  sandbox_jobs:
    "id project_id run_id step_id job_type status started_at ended_at exit_code transcript_blob_ref metadata",
  approver_keys: "id project_id owner public_key created_by created_at revoked_at",
  effects:
    "id project_id run_id step_id kind scope status intent_hash intent params marker approval_id claim_token lease_expires_at external_id external_url",
  audit_entries: "id project_id seq actor action subject key payload prev_hash hash",
  project_policies: "id project_id version document created_at",
};

/** Columns that some index must begin with, in this order. */
const INDEXES = [
  "project_files(project_id)",
  "projects(owner_user_id, updated_at)",
  "project_skills(project_id, name_norm)",
  "file_chunks(project_id, file_id)",
  "runs(project_id)",
  "run_steps(run_id, step_name)",
  "artifacts(project_id, kind, logical_key)",
  "chat_threads(project_id)",
  "chat_messages(thread_id, created_at)",
  "repos(project_id)",
  "approvals(run_id, scope)",
  "sandbox_jobs(run_id, job_type)",
  "deployments(project_id, status)",
];

const UNIQUE = [
  "projects(owner_user_id, slug)",
  "project_skills(project_id, name_norm)",
  "project_files(project_id, sha256)",
  "run_steps(run_id, step_id)",
  "artifacts(project_id, kind, logical_key, version)",
  "effects(run_id, step_id)",
  "audit_entries(project_id, seq)",
  "project_policies(project_id, version)",
];

let database: TestDatabase;
let indexes: { tableName: string; columns: string[]; isUnique: boolean; isPartial: boolean }[];

beforeAll(async () => {
  database = await testDatabase();
  const { rows } = await db().execute<(typeof indexes)[number]>(sql`
    select t.relname as "tableName", i.indisunique as "isUnique", i.indpred is not null as "isPartial",
      array(select coalesce(a.attname::text, '') from unnest(i.indkey) with ordinality as k(attnum, at)
        left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum order by k.at) as columns
    from pg_index i join pg_class t on t.oid = i.indrelid
    where t.relnamespace = 'public'::regnamespace`);
  indexes = rows;
});
afterAll(() => database.close());

test.each(Object.entries(TABLES))("%s has its fields", async (table, fields) => {
  const { rows } = await db().execute<{ column_name: string }>(
    sql`select column_name from information_schema.columns where table_schema = 'public' and table_name = ${table}`,
  );
  expect(rows.map((row) => row.column_name)).toEqual(expect.arrayContaining(fields.split(" ")));
});

test("there are no other tables", async () => {
  const { rows } = await db().execute<{ relname: string }>(
    sql`select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')`,
  );
  expect(rows.map((row) => row.relname).sort()).toEqual(Object.keys(TABLES).sort());
});

function parse(spec: string) {
  const [tableName, columns = ""] = spec.replace(")", "").split("(");
  return { tableName, columns: columns.split(", ") };
}

test.each(INDEXES)("an index answers %s", (spec) => {
  const { tableName, columns } = parse(spec);
  const found = indexes.filter(
    (index) =>
      index.tableName === tableName &&
      !index.isPartial &&
      columns.every((column, at) => index.columns[at] === column),
  );
  expect(found.length).toBeGreaterThan(0);
});

test.each(UNIQUE)("%s is unique", (spec) => {
  const { tableName, columns } = parse(spec);
  const found = indexes.filter(
    (index) => index.tableName === tableName && index.isUnique && !index.isPartial,
  );
  expect(found.map((index) => index.columns)).toContainEqual(columns);
});

describe("foreign keys", () => {
  interface ForeignKey extends Record<string, unknown> {
    child: string;
    column: string;
    parent: string;
    action: string;
  }
  let keys: ForeignKey[];
  beforeAll(async () => {
    const { rows } = await db().execute<ForeignKey>(sql`
      select c.conrelid::regclass::text as child, a.attname as column, c.confrelid::regclass::text as parent,
        case c.confdeltype when 'c' then 'cascade' when 'n' then 'set null' else 'no action' end as action
      from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
      where c.contype = 'f'`);
    keys = rows;
  });

  test("an index finds the children of every one, so that a delete does not scan", () => {
    const unindexed = keys.filter(
      ({ child, column }) =>
        !indexes.some(
          (index) => index.tableName === child && !index.isPartial && index.columns[0] === column,
        ),
    );
    expect(unindexed).toEqual([]);
  });

  test("everything of a project goes with it", () => {
    const actions = new Set(
      keys.filter(({ parent }) => parent === "projects").map(({ action }) => action),
    );
    expect([...actions]).toEqual(["cascade"]);
  });

  test("a citation outlives its chunk and its file", () => {
    const actions = keys
      .filter(({ child, column }) => child === "citations" && /^(chunk|file)_id$/.test(column))
      .map(({ action }) => action);
    expect(actions).toEqual(["set null", "set null"]);
  });

  test("the audit chain hangs on nothing", () => {
    expect(keys.filter(({ child }) => child === "audit_entries")).toEqual([]);
  });
});
