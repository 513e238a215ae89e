import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { createdAt, id, instant, updatedAt } from "./columns.ts";
import { projects } from "./projects.ts";
import { runs } from "./runs.ts";

export const repoProvider = pgEnum("repo_provider", ["github"]);

export interface IndexCounts {
  readonly files: number;
  readonly chunks: number;
  readonly skipped: Readonly<Record<string, number>>;
}

export const repos = pgTable(
  "repos",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    provider: repoProvider("provider").notNull().default("github"),
    owner: text("owner").notNull(),
    name: text("name").notNull(),
    defaultBranch: text("default_branch").notNull(),
    htmlUrl: text("html_url").notNull(),
    cloneUrl: text("clone_url").notNull(),
    /** What is searched: the commit, and the generation of `code_files` that holds its files; 0 and null before the first. */
    indexedCommit: text("indexed_commit"),
    indexGeneration: integer("index_generation").notNull().default(0),
    /** How the files were cut: with another version of ours all are indexed again. */
    indexVersion: integer("index_version"),
    indexedAt: instant("indexed_at"),
    /** The commit that is being indexed: whoever works on another one no longer writes. */
    indexingCommit: text("indexing_commit"),
    /** Why the last commit could not be indexed, for a person; null when it could. */
    indexError: text("index_error"),
    /** Files and chunks that are searched, and files that are not, by reason. */
    indexCounts: jsonb("index_counts").$type<IndexCounts>(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("repos_project_idx").on(t.projectId),
    index("repos_list_idx").on(t.projectId, t.createdAt, t.id),
    // A webhook names a repository and no project.
    index("repos_full_name_idx").on(t.provider, sql`lower(${t.owner})`, sql`lower(${t.name})`),
    // GitHub takes owner and name in any case for the same repository.
    uniqueIndex("repos_name_key").on(
      t.projectId,
      t.provider,
      sql`lower(${t.owner})`,
      sql`lower(${t.name})`,
    ),
  ],
);

export const jobStatus = pgEnum("job_status", [
  "queued",
  "running",
  "succeeded",
  "failed",
  "canceled",
]);

export const sandboxJobs = pgTable(
  "sandbox_jobs",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    // A transcript belongs to the run that it explains and has no meaning without it.
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    stepId: text("step_id").notNull(),
    jobType: text("job_type").notNull(),
    status: jobStatus("status").notNull().default("queued"),
    startedAt: instant("started_at"),
    endedAt: instant("ended_at"),
    exitCode: integer("exit_code"),
    transcriptBlobRef: text("transcript_blob_ref"),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex("sandbox_jobs_step_key").on(t.runId, t.stepId, t.jobType),
    index("sandbox_jobs_run_type_idx").on(t.runId, t.jobType),
    index("sandbox_jobs_project_idx").on(t.projectId),
    check(
      "sandbox_jobs_ended_check",
      sql`(${t.status} in ('succeeded', 'failed', 'canceled')) = (${t.endedAt} is not null)`,
    ),
  ],
);

export const infraProvider = pgEnum("infra_provider", ["neon", "upstash", "vercel"]);

export const infraResources = pgTable(
  "infra_resources",
  {
    id: id(),
    // Cascades as everything of a project does: the ids of what exists outside stay in the audit chain.
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    // The resource goes on existing without the run that made it.
    runId: text("run_id").references(() => runs.id, { onDelete: "set null" }),
    provider: infraProvider("provider").notNull(),
    resourceType: text("resource_type").notNull(),
    externalId: text("external_id").notNull(),
    region: text("region"),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [
    uniqueIndex("infra_resources_external_key").on(
      t.projectId,
      t.provider,
      t.resourceType,
      t.externalId,
    ),
    index("infra_resources_run_idx").on(t.runId),
    index("infra_resources_project_idx").on(t.projectId, t.createdAt, t.id),
  ],
);

export const deploymentProvider = pgEnum("deployment_provider", ["vercel"]);
/** Vercel's own states of a deployment, in lower case. */
export const deploymentStatus = pgEnum("deployment_status", [
  "queued",
  "building",
  "ready",
  "error",
  "canceled",
]);

export const deployments = pgTable(
  "deployments",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    // No action: a deployment is proof of what a run shipped.
    runId: text("run_id")
      .notNull()
      .references(() => runs.id),
    provider: deploymentProvider("provider").notNull().default("vercel"),
    vercelProjectId: text("vercel_project_id").notNull(),
    vercelDeploymentId: text("vercel_deployment_id").notNull(),
    deploymentUrl: text("deployment_url").notNull(),
    status: deploymentStatus("status").notNull().default("queued"),
    startedAt: instant("started_at").notNull().defaultNow(),
    endedAt: instant("ended_at"),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("deployments_project_status_idx").on(t.projectId, t.status),
    uniqueIndex("deployments_external_key").on(t.vercelDeploymentId),
    index("deployments_run_idx").on(t.runId),
    index("deployments_project_idx").on(t.projectId, t.startedAt, t.id),
  ],
);
