import { sql } from "drizzle-orm";
import {
  check,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  text,
  unique,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import { createdAt, id, instant, updatedAt } from "./columns.ts";
import { projects } from "./projects.ts";

export const runKind = pgEnum("run_kind", ["research", "implementation"]);
/** `plan` stops before the first effect and shows what would be done. */
export const runMode = pgEnum("run_mode", ["apply", "plan"]);
export const runStatus = pgEnum("run_status", [
  "created",
  "running",
  "waiting_approval",
  "waiting_external",
  "succeeded",
  "failed",
  "canceled",
]);

export const runs = pgTable(
  "runs",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    kind: runKind("kind").notNull(),
    status: runStatus("status").notNull().default("created"),
    mode: runMode("mode").notNull().default("apply"),
    input: jsonb("input").$type<Record<string, unknown>>().notNull(),
    requestedBy: text("requested_by").notNull(),
    /** The event that asked for it, and the engine's id of the attempt that is under way. */
    eventId: text("event_id"),
    inngestRunId: text("inngest_run_id"),
    /** How often it was started: 1, and one more for each time it was resumed. */
    attempt: integer("attempt").notNull().default(1),
    error: text("error"),
    /** What a person can do about the error. */
    remediation: text("remediation"),
    /** What it came to; in mode `plan`, the plan. Ids, never documents. */
    result: jsonb("result").$type<Record<string, unknown>>(),
    createdAt: createdAt(),
    startedAt: instant("started_at"),
    endedAt: instant("ended_at"),
    /** When its drafts were removed, after it had ended: it cannot go on any more. */
    tidiedAt: instant("tidied_at"),
    updatedAt: updatedAt(),
  },
  (t) => [
    index("runs_project_idx").on(t.projectId),
    // The same event, also when it comes twice, is the same run.
    uniqueIndex("runs_event_key").on(t.projectId, t.eventId),
    index("runs_list_idx").on(t.projectId, t.createdAt, t.id),
    index("runs_live_idx")
      .on(t.status, t.updatedAt)
      .where(sql`${t.status} not in ('succeeded', 'failed', 'canceled')`),
    // Those that have drafts still, oldest first within each way to end.
    index("runs_untidy_idx")
      .on(t.status, t.endedAt)
      .where(sql`${t.kind} = 'research' and ${t.endedAt} is not null and ${t.tidiedAt} is null`),
    // Those that have a bundle, or should.
    index("runs_ended_idx")
      .on(t.endedAt)
      .where(sql`${t.kind} = 'implementation' and ${t.endedAt} is not null`),
    check("runs_attempt_check", sql`${t.attempt} > 0`),
    check(
      "runs_ended_check",
      sql`(${t.status} in ('succeeded', 'failed', 'canceled')) = (${t.endedAt} is not null)`,
    ),
  ],
);

export const stepStatus = pgEnum("step_status", ["running", "succeeded", "failed"]);

/** The step ledger: a step that has succeeded is never run again, also after the engine forgot the run. */
export const runSteps = pgTable(
  "run_steps",
  {
    id: id(),
    runId: text("run_id")
      .notNull()
      .references(() => runs.id, { onDelete: "cascade" }),
    stepId: text("step_id").notNull(),
    stepName: text("step_name").notNull(),
    kind: text("kind").notNull(),
    status: stepStatus("status").notNull().default("running"),
    inputs: jsonb("inputs").$type<unknown>(),
    outputs: jsonb("outputs").$type<unknown>(),
    /** Blob that holds an output too large for a row. */
    outputRef: text("output_ref"),
    attempt: integer("attempt").notNull().default(1),
    error: text("error"),
    startedAt: instant("started_at").notNull().defaultNow(),
    endedAt: instant("ended_at"),
  },
  (t) => [
    unique("run_steps_step_key").on(t.runId, t.stepId),
    index("run_steps_name_idx").on(t.runId, t.stepName),
    check("run_steps_attempt_check", sql`${t.attempt} > 0`),
    check("run_steps_ended_check", sql`(${t.status} = 'running') = (${t.endedAt} is null)`),
  ],
);

/** A published version is what people approved and what citations hang on: a trigger refuses UPDATE. */
export const artifacts = pgTable(
  "artifacts",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    // No action: SET NULL would be an UPDATE, and a run that published something is evidence of where it came from.
    // Both go together when their project goes.
    runId: text("run_id").references(() => runs.id),
    kind: text("kind").notNull(),
    logicalKey: text("logical_key").notNull(),
    version: integer("version").notNull(),
    content: text("content").notNull(),
    contentSha256: text("content_sha256").notNull(),
    metadata: jsonb("metadata").$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex("artifacts_version_key").on(t.projectId, t.kind, t.logicalKey, t.version),
    index("artifacts_key_idx").on(t.projectId, t.kind, t.logicalKey),
    index("artifacts_list_idx").on(t.projectId, t.createdAt, t.id),
    index("artifacts_run_idx").on(t.runId),
    check("artifacts_version_check", sql`${t.version} > 0`),
  ],
);
