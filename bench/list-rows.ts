/** Rows of each table. */
export const ROWS = 1_000_000;

/** Half of everything is in this project; every other row is in one of {@link PROJECTS}, by turns. */
export const BUSY = "project_0";
export const ORDINARY = "project_7";
const PROJECTS = 1000;

/** Has half of all messages. */
export const BUSY_THREAD = "thread_0";

/** Owns the busy project and 99 others. */
export const OWNER = "owner_busy";
/** Owns ten thousand projects. */
export const OWNER_OF_MANY = "owner_many";
/** May decide half of all approvals. */
export const APPROVER = "approver_everywhere";

const project = (n: string) =>
  `case when (${n}) % 2 = 0 then '${BUSY}' else 'project_' || ((${n}) / 2) % ${PROJECTS} end`;
const at = (n: string) => `now() - (${ROWS} - ${n}) * interval '1 second'`;
const hash = (n: string) => `encode(sha256((${n})::text::bytea), 'hex')`;

/** Column -> SQL over `n`, which counts from 0. One row in a thousand is in each state that somebody has to look after. */
const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  projects: {
    id: "'project_' || n",
    owner_user_id: `case when n < 100 then '${OWNER}' when n between 1000 and 10999 then '${OWNER_OF_MANY}'
      else 'owner_' || n % 1000 end`,
    name: "'Project ' || n",
    slug: "'project-' || n",
    status: "(case when n % 10000 = 9999 then 'deleting' else 'active' end)::project_status",
    created_at: at("n"),
    updated_at: at("n"),
  },
  project_files: {
    id: "'file_' || n",
    project_id: project("n"),
    name: "'file-' || n",
    mime_type: "'text/plain'",
    size_bytes: "n",
    sha256: hash("n"),
    blob_ref: "'blob_' || n",
    status: "(case when n % 1000 = 1 then 'uploaded' else 'ingested' end)::file_status",
    extraction_version: "case when n % 100 = 2 then 1 else 2 end",
    chunk_count: "100",
    ingested_at: at("n"),
    created_at: at("n"),
    updated_at: at("n"),
  },
  file_names: {
    // A quarter of them is what one name of the busy project stood for at some time.
    project_id: project("n"),
    name: "case when n % 4 = 0 then 'report' else 'file-' || n end",
    file_id: "'file_' || n",
    came_at: at("n"),
  },
  file_chunks: {
    id: "'chunk_' || n",
    project_id: project("(n / 100)"),
    file_id: "'file_' || n / 100",
    file_sha256: hash("n / 100"),
    extraction_version: "case when n % 100 < 2 then 1 else 2 end",
    ordinal: "n % 100",
    content: "format('common word%s and word%s', n % 9973, n / 100 % 997)",
    breadcrumbs: "'Manual'",
    content_sha256: hash("n"),
    token_count: "5",
    start_offset: "0",
    end_offset: "1",
    indexed_at: `case when n % 100 <> 99 then ${at("n")} end`,
  },
  file_removals: {
    file_id: "'removed_' || n",
    project_id: project("n"),
    ingesting: "n % 2 = 0",
    created_at: at("n"),
    updated_at: at("n"),
  },
  runs: {
    id: "'run_' || n",
    project_id: project("n"),
    kind: "(case when n % 10 = 0 then 'research' else 'implementation' end)::run_kind",
    status: `(case n % 1000 when 0 then 'failed' when 1 then 'running' when 2 then 'waiting_approval'
      else 'succeeded' end)::run_status`,
    input: "'{}'::jsonb",
    requested_by: "'somebody'",
    event_id: "'event_' || n",
    created_at: at("n"),
    ended_at: `case when n % 1000 not in (1, 2) then ${at("n")} end`,
    tidied_at: `case when n % 10 = 0 and n % 500 <> 0 then ${at("n")} end`,
    updated_at: at("n"),
  },
  run_steps: {
    id: "'step_' || n",
    run_id: "'run_' || n / 10",
    step_id: "'step-' || n % 10",
    step_name: "'step'",
    kind: "'step'",
    status: "'succeeded'::step_status",
    started_at: at("n"),
    ended_at: at("n"),
  },
  sandbox_jobs: {
    id: "'job_' || n",
    project_id: project("(n / 10)"),
    run_id: "'run_' || n / 10",
    step_id: "'step-' || n % 10",
    job_type: "(array['repo.clone', 'repo.applyPatch', 'verify.test', 'verify.build'])[n % 4 + 1]",
    status: `(case n % 1000 when 1 then 'running' when 2 then 'canceled' else 'succeeded' end)::job_status`,
    started_at: at("n"),
    ended_at: `case when n % 1000 <> 1 then ${at("n")} end`,
    exit_code: "0",
    created_at: at("n"),
  },
  artifacts: {
    id: "'artifact_' || n",
    // Three versions of each.
    project_id: project("(n / 3)"),
    run_id: "'run_' || n / 3",
    kind: "'report'",
    logical_key: "'key-' || n / 3",
    version: "n % 3 + 1",
    content: "'c'",
    content_sha256: hash("n"),
    created_at: at("n"),
  },
  citations: {
    id: "'citation_' || n",
    project_id: project("(n / 10 / 3)"),
    artifact_id: "'artifact_' || n / 10",
    ordinal: "n % 10",
    // One in a hundred has lost its source.
    chunk_id: "case when n % 100 <> 1 then 'chunk_' || n end",
    file_id: "case when n % 100 <> 1 then 'file_' || n / 100 end",
    file_name: "'file-' || n / 100",
    file_sha256: hash("n / 100"),
    extraction_version: "2",
    chunk_sha256: hash("n"),
    start_offset: "0",
    end_offset: "1",
    quote: "'q'",
  },
  approvals: {
    id: "'approval_' || n",
    project_id: project("n"),
    run_id: "'run_' || n",
    scope: "'ledger.write'",
    intent_summary: "'s'",
    intent_hash: hash("n"),
    status: `(case n % 1000 when 1 then 'pending' when 2 then 'granted' else 'used' end)::approval_status`,
    requested_by: "'somebody'",
    approvers: `array['approver_' || n % 1000] || case when n % 2 = 0 then array['${APPROVER}'] else '{}' end`,
    policy_version: "0",
    expires_at: at("n"),
    approved_at: `case when n % 1000 <> 1 then ${at("n")} end`,
    approved_by: "case when n % 1000 <> 1 then 'somebody' end",
    settled_at: `case when n % 1000 <> 1 then ${at("n")} end`,
    used_at: `case when n % 1000 not in (1, 2) then ${at("n")} end`,
    created_at: at("n"),
  },
  approval_decisions: {
    id: "'decision_' || n",
    approval_id: "'approval_' || n",
    decision: "'granted'::decision_kind",
    decided_by: "'approver_' || n % 1000",
    assurance: "'api'::assurance",
    intent_hash: hash("n"),
    nonce: "'nonce_' || n",
    decided_at: at("n"),
  },
  effects: {
    id: "'effect_' || n",
    project_id: project("n / 2"),
    run_id: "'run_' || n / 2",
    step_id: "'step-' || n % 2",
    kind: "(array['ledger.put', 'repo.merge', 'vercel.promotion'])[n % 3 + 1]",
    scope: "'ledger.write'",
    status: "(case when n % 2000 = 1 then 'claimed' else 'confirmed' end)::effect_status",
    intent_hash: hash("n"),
    intent: "'{}'::jsonb",
    position: "n % 2",
    params: "jsonb_build_object('project', 'app-' || n / 3)",
    marker: "'effect_' || n",
    approval_id: "'approval_' || n / 2",
    claim_token: "'token'",
    lease_expires_at: at("n"),
    external_id: "'external_' || n",
    planned_at: at("n"),
    confirmed_at: `case when n % 2000 <> 1 then ${at("n")} end`,
  },
  findings: {
    id: "'finding_' || n",
    project_id: project("n / 2"),
    effect_id: "'effect_' || n",
    detail: "'d'",
    created_at: at("n"),
    gone_at: `case when n % 10 <> 0 then ${at("n")} end`,
  },
  infra_resources: {
    id: "'infra_' || n",
    project_id: project("n"),
    run_id: "'run_' || n",
    provider: "'neon'::infra_provider",
    resource_type: "'db_project'",
    external_id: "'external_' || n",
    created_at: at("n"),
  },
  deployments: {
    id: "'deployment_' || n",
    project_id: project("n"),
    run_id: "'run_' || n",
    vercel_project_id: "'prj_' || n / 3",
    vercel_deployment_id: "'dpl_' || n",
    deployment_url: "'u'",
    status: "'ready'::deployment_status",
    started_at: at("n"),
  },
  audit_entries: {
    id: "'audit_' || n",
    // Chains have no gaps: the first half is one chain, the second a thousand.
    project_id: `case when n < ${ROWS / 2} then '${BUSY}' else 'project_' || n % (${ROWS} / 2) / 500 + 1 end`,
    seq: `case when n < ${ROWS / 2} then n else n % 500 end + 1`,
    actor: "'somebody'",
    action: `(array['run.requested', 'approval.refused', 'approval.granted', 'effect.sent', 'run.succeeded'])[n % 5 + 1]`,
    subject: "'run_' || n / 5 * 2",
    key: "'key_' || n",
    payload: "jsonb_build_object('runId', 'run_' || n / 5 * 2)",
    prev_hash: hash("n"),
    hash: hash("n + 1"),
    recorded_at: at("n"),
  },
  repos: {
    id: "'repo_' || n",
    project_id: project("n"),
    owner: "'owner'",
    name: "'repo-' || n",
    default_branch: "'main'",
    html_url: "'u'",
    clone_url: "'u'",
    created_at: at("n"),
  },
  approver_keys: {
    id: "'key_' || n",
    project_id: project("n"),
    owner: "'approver_' || n % 1000",
    public_key: "'k'",
    created_by: "'somebody'",
  },
  project_skills: {
    id: "'skill_' || n",
    project_id: "'project_' || n / 100",
    name: "'skill-' || n % 100",
    description: "'d'",
    content: "'c'",
    created_at: at("n"),
    updated_at: at("n"),
  },
  chat_threads: {
    id: "'thread_' || n",
    project_id: project("n"),
    title: "'t'",
    created_by: "'somebody'",
    created_at: at("n"),
    updated_at: at("n"),
  },
  // A question and its answer by turns; half of all in one thread.
  chat_messages: {
    id: "'message_' || n",
    thread_id: `case when n % 4 < 2 then '${BUSY_THREAD}' else 'thread_' || n / 10 end`,
    role: "(case when n % 2 = 0 then 'user' else 'assistant' end)::message_role",
    content: "'c'",
    in_reply_to: "case when n % 2 = 1 then 'message_' || n - 1 end",
    state: `(case when n % 2000 = 2 then 'pending' when n % 2000 = 4 then 'failed'
      when n % 2 = 0 then 'answered' end)::message_state`,
    error: "case when n % 2000 = 4 then 'e' end",
    waits_since: at("n"),
    woken_at: at("n"),
    created_at: at("n"),
  },
  model_calls: {
    id: "'call_' || n",
    project_id: project("n / 10"),
    run_id: "'run_' || n / 10",
    step_id: "'step-' || n % 10",
    model: "'m'",
    input_tokens: "1",
    output_tokens: "1",
    ms: "1",
    outcome: "'answered'",
  },
};

/** The statements that fill one table each, and the one that makes the planner know them. */
export function fill(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(TABLES).map(([table, columns]) => [
      table,
      `insert into ${table} (${Object.keys(columns).join(", ")})
       select ${Object.values(columns).join(", ")} from generate_series(0, ${ROWS - 1}) n`,
    ]),
  );
}
