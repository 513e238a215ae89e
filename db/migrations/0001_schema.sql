CREATE TYPE "public"."message_role" AS ENUM('user', 'assistant');--> statement-breakpoint
CREATE TYPE "public"."deployment_provider" AS ENUM('vercel');--> statement-breakpoint
CREATE TYPE "public"."deployment_status" AS ENUM('queued', 'building', 'ready', 'error', 'canceled');--> statement-breakpoint
CREATE TYPE "public"."infra_provider" AS ENUM('neon', 'upstash', 'vercel');--> statement-breakpoint
CREATE TYPE "public"."job_status" AS ENUM('queued', 'running', 'succeeded', 'failed', 'canceled');--> statement-breakpoint
CREATE TYPE "public"."repo_provider" AS ENUM('github');--> statement-breakpoint
CREATE TYPE "public"."approval_status" AS ENUM('pending', 'granted', 'denied', 'revoked', 'expired', 'superseded', 'used');--> statement-breakpoint
CREATE TYPE "public"."assurance" AS ENUM('event', 'api', 'signature');--> statement-breakpoint
CREATE TYPE "public"."decision_kind" AS ENUM('granted', 'denied', 'revoked');--> statement-breakpoint
CREATE TYPE "public"."effect_status" AS ENUM('planned', 'approved', 'claimed', 'sent', 'confirmed', 'failed', 'unknown', 'abandoned');--> statement-breakpoint
CREATE TYPE "public"."file_status" AS ENUM('pending', 'uploaded', 'ingesting', 'ingested', 'rejected');--> statement-breakpoint
CREATE TYPE "public"."project_status" AS ENUM('active', 'deleting');--> statement-breakpoint
CREATE TYPE "public"."run_kind" AS ENUM('research', 'implementation');--> statement-breakpoint
CREATE TYPE "public"."run_mode" AS ENUM('apply', 'plan');--> statement-breakpoint
CREATE TYPE "public"."run_status" AS ENUM('created', 'running', 'waiting_approval', 'waiting_external', 'succeeded', 'failed', 'canceled');--> statement-breakpoint
CREATE TYPE "public"."step_status" AS ENUM('running', 'succeeded', 'failed');--> statement-breakpoint
CREATE TABLE "audit_entries" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"seq" bigint NOT NULL,
	"actor" text NOT NULL,
	"action" text NOT NULL,
	"subject" text NOT NULL,
	"payload" jsonb NOT NULL,
	"prev_hash" text NOT NULL,
	"hash" text NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "audit_entries_seq_key" UNIQUE("project_id","seq"),
	CONSTRAINT "audit_entries_seq_check" CHECK ("audit_entries"."seq" > 0),
	CONSTRAINT "audit_entries_hash_check" CHECK ("audit_entries"."hash" ~ '^[0-9a-f]{64}$' and "audit_entries"."prev_hash" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
CREATE TABLE "chat_messages" (
	"id" text PRIMARY KEY NOT NULL,
	"thread_id" text NOT NULL,
	"role" "message_role" NOT NULL,
	"content" text NOT NULL,
	"in_reply_to" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "chat_threads" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"title" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "citations" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"artifact_id" text,
	"message_id" text,
	"ordinal" integer NOT NULL,
	"chunk_id" text,
	"file_id" text,
	"file_name" text NOT NULL,
	"file_sha256" text NOT NULL,
	"extraction_version" integer NOT NULL,
	"chunk_sha256" text NOT NULL,
	"start_offset" integer NOT NULL,
	"end_offset" integer NOT NULL,
	"page_start" integer,
	"page_end" integer,
	"quote" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "citations_subject_check" CHECK (num_nonnulls("citations"."artifact_id", "citations"."message_id") = 1),
	CONSTRAINT "citations_offsets_check" CHECK ("citations"."start_offset" >= 0 and "citations"."end_offset" > "citations"."start_offset")
);
--> statement-breakpoint
CREATE TABLE "deployments" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"run_id" text NOT NULL,
	"provider" "deployment_provider" DEFAULT 'vercel' NOT NULL,
	"vercel_project_id" text NOT NULL,
	"vercel_deployment_id" text NOT NULL,
	"deployment_url" text NOT NULL,
	"status" "deployment_status" DEFAULT 'queued' NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "infra_resources" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"run_id" text,
	"provider" "infra_provider" NOT NULL,
	"resource_type" text NOT NULL,
	"external_id" text NOT NULL,
	"region" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "repos" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"provider" "repo_provider" DEFAULT 'github' NOT NULL,
	"owner" text NOT NULL,
	"name" text NOT NULL,
	"default_branch" text NOT NULL,
	"html_url" text NOT NULL,
	"clone_url" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sandbox_jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"run_id" text NOT NULL,
	"step_id" text NOT NULL,
	"job_type" text NOT NULL,
	"status" "job_status" DEFAULT 'queued' NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"exit_code" integer,
	"transcript_blob_ref" text,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "sandbox_jobs_ended_check" CHECK (("sandbox_jobs"."status" in ('succeeded', 'failed', 'canceled')) = ("sandbox_jobs"."ended_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "approval_decisions" (
	"id" text PRIMARY KEY NOT NULL,
	"approval_id" text NOT NULL,
	"decision" "decision_kind" NOT NULL,
	"decided_by" text NOT NULL,
	"assurance" "assurance" NOT NULL,
	"intent_hash" text NOT NULL,
	"signature" text,
	"signature_key_id" text,
	"note" text,
	"event_id" text,
	"decided_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "approval_decisions_voice_key" UNIQUE("approval_id","decided_by","decision"),
	CONSTRAINT "approval_decisions_signature_check" CHECK (("approval_decisions"."assurance" = 'signature') = ("approval_decisions"."signature" is not null and "approval_decisions"."signature_key_id" is not null))
);
--> statement-breakpoint
CREATE TABLE "approvals" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"run_id" text NOT NULL,
	"step_id" text,
	"scope" text NOT NULL,
	"intent_summary" text NOT NULL,
	"intent_hash" text NOT NULL,
	"status" "approval_status" DEFAULT 'pending' NOT NULL,
	"quorum" integer DEFAULT 1 NOT NULL,
	"requested_by" text NOT NULL,
	"policy_version" integer NOT NULL,
	"plan_artifact_id" text,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"approved_at" timestamp (3) with time zone,
	"approved_by" text,
	"settled_at" timestamp (3) with time zone,
	"used_at" timestamp (3) with time zone,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "approvals_scope_check" CHECK ("approvals"."scope" ~ '^[a-z][a-z_]*([.][a-z][a-z_]*)+$'),
	CONSTRAINT "approvals_intent_hash_check" CHECK ("approvals"."intent_hash" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "approvals_quorum_check" CHECK ("approvals"."quorum" > 0),
	CONSTRAINT "approvals_approved_check" CHECK ("approvals"."status" not in ('granted', 'used') or ("approvals"."approved_at" is not null and "approvals"."approved_by" is not null)),
	CONSTRAINT "approvals_used_check" CHECK (("approvals"."status" = 'used') = ("approvals"."used_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "effects" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"run_id" text NOT NULL,
	"step_id" text NOT NULL,
	"kind" text NOT NULL,
	"scope" text NOT NULL,
	"status" "effect_status" DEFAULT 'planned' NOT NULL,
	"intent_hash" text NOT NULL,
	"params" jsonb NOT NULL,
	"marker" text NOT NULL,
	"approval_id" text,
	"claim_token" text,
	"lease_expires_at" timestamp (3) with time zone,
	"attempt" integer DEFAULT 0 NOT NULL,
	"external_id" text,
	"external_url" text,
	"error" text,
	"planned_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"claimed_at" timestamp (3) with time zone,
	"sent_at" timestamp (3) with time zone,
	"confirmed_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "effects_step_key" UNIQUE("run_id","step_id"),
	CONSTRAINT "effects_marker_key" UNIQUE("marker"),
	CONSTRAINT "effects_intent_hash_check" CHECK ("effects"."intent_hash" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "effects_claim_check" CHECK ("effects"."status" not in ('claimed', 'sent') or ("effects"."claim_token" is not null and "effects"."lease_expires_at" is not null)),
	CONSTRAINT "effects_sent_check" CHECK ("effects"."status" not in ('sent', 'unknown') or "effects"."sent_at" is not null),
	CONSTRAINT "effects_confirmed_check" CHECK (("effects"."status" = 'confirmed') = ("effects"."confirmed_at" is not null)
        and ("effects"."status" <> 'confirmed' or "effects"."external_id" is not null))
);
--> statement-breakpoint
CREATE TABLE "file_chunks" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"file_id" text NOT NULL,
	"file_sha256" text NOT NULL,
	"extraction_version" integer NOT NULL,
	"ordinal" integer NOT NULL,
	"content" text NOT NULL,
	"breadcrumbs" text NOT NULL,
	"content_sha256" text NOT NULL,
	"token_count" integer NOT NULL,
	"page_start" integer,
	"page_end" integer,
	"start_offset" integer NOT NULL,
	"end_offset" integer NOT NULL,
	"indexed_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"search" "tsvector" GENERATED ALWAYS AS (setweight(to_tsvector('simple', regexp_replace("breadcrumbs", '([\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g')), 'B') || to_tsvector('simple', regexp_replace("content", '([\u2e80-\u2fdf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])', ' \1 ', 'g'))) STORED NOT NULL,
	CONSTRAINT "file_chunks_offsets_check" CHECK ("file_chunks"."ordinal" >= 0 and "file_chunks"."start_offset" >= 0 and "file_chunks"."end_offset" >= "file_chunks"."start_offset")
);
--> statement-breakpoint
CREATE TABLE "project_files" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"name" text NOT NULL,
	"aliases" text[] DEFAULT '{}'::text[] NOT NULL,
	"title" text,
	"mime_type" text NOT NULL,
	"format" text,
	"size_bytes" bigint,
	"sha256" text,
	"source_url" text,
	"blob_ref" text,
	"status" "file_status" NOT NULL,
	"extraction_version" integer,
	"page_count" integer,
	"chunk_count" integer,
	"reject_code" text,
	"reject_reason" text,
	"ingested_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "project_files_sha256_check" CHECK ("project_files"."sha256" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "project_files_size_check" CHECK ("project_files"."size_bytes" >= 0),
	CONSTRAINT "project_files_bytes_check" CHECK (("project_files"."sha256" is null) = ("project_files"."blob_ref" is null) and ("project_files"."sha256" is null) = ("project_files"."size_bytes" is null)),
	CONSTRAINT "project_files_pending_check" CHECK (case "project_files"."status"
        when 'pending' then "project_files"."sha256" is null and "project_files"."source_url" is not null
        when 'rejected' then "project_files"."reject_code" is not null and "project_files"."reject_reason" is not null
        when 'ingested' then "project_files"."sha256" is not null and "project_files"."extraction_version" is not null
          and "project_files"."chunk_count" is not null and "project_files"."ingested_at" is not null
        else "project_files"."sha256" is not null end)
);
--> statement-breakpoint
CREATE TABLE "project_policies" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"version" integer NOT NULL,
	"document" jsonb NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "project_policies_version_key" UNIQUE("project_id","version"),
	CONSTRAINT "project_policies_version_check" CHECK ("project_policies"."version" > 0)
);
--> statement-breakpoint
CREATE TABLE "project_skills" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"name" text NOT NULL,
	"name_norm" text GENERATED ALWAYS AS (lower(btrim("name"))) STORED NOT NULL,
	"description" text NOT NULL,
	"content" text NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" text PRIMARY KEY NOT NULL,
	"owner_user_id" text NOT NULL,
	"name" text NOT NULL,
	"slug" text NOT NULL,
	"status" "project_status" DEFAULT 'active' NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "artifacts" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"run_id" text,
	"kind" text NOT NULL,
	"logical_key" text NOT NULL,
	"version" integer NOT NULL,
	"content" text NOT NULL,
	"content_sha256" text NOT NULL,
	"metadata" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "artifacts_version_check" CHECK ("artifacts"."version" > 0)
);
--> statement-breakpoint
CREATE TABLE "run_steps" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"step_id" text NOT NULL,
	"step_name" text NOT NULL,
	"kind" text NOT NULL,
	"status" "step_status" DEFAULT 'running' NOT NULL,
	"inputs" jsonb,
	"outputs" jsonb,
	"output_ref" text,
	"attempt" integer DEFAULT 1 NOT NULL,
	"error" text,
	"started_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "run_steps_step_key" UNIQUE("run_id","step_id"),
	CONSTRAINT "run_steps_attempt_check" CHECK ("run_steps"."attempt" > 0),
	CONSTRAINT "run_steps_ended_check" CHECK (("run_steps"."status" = 'running') = ("run_steps"."ended_at" is null))
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"kind" "run_kind" NOT NULL,
	"status" "run_status" DEFAULT 'created' NOT NULL,
	"mode" "run_mode" DEFAULT 'apply' NOT NULL,
	"input" jsonb NOT NULL,
	"requested_by" text NOT NULL,
	"event_id" text,
	"inngest_run_id" text,
	"error" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "runs_ended_check" CHECK (("runs"."status" in ('succeeded', 'failed', 'canceled')) = ("runs"."ended_at" is not null))
);
--> statement-breakpoint
ALTER TABLE "chat_messages" ADD CONSTRAINT "chat_messages_thread_id_chat_threads_id_fk" FOREIGN KEY ("thread_id") REFERENCES "public"."chat_threads"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chat_messages" ADD CONSTRAINT "chat_messages_in_reply_to_chat_messages_id_fk" FOREIGN KEY ("in_reply_to") REFERENCES "public"."chat_messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "chat_threads" ADD CONSTRAINT "chat_threads_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_artifact_id_artifacts_id_fk" FOREIGN KEY ("artifact_id") REFERENCES "public"."artifacts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_message_id_chat_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."chat_messages"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_chunk_id_file_chunks_id_fk" FOREIGN KEY ("chunk_id") REFERENCES "public"."file_chunks"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_file_id_project_files_id_fk" FOREIGN KEY ("file_id") REFERENCES "public"."project_files"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deployments" ADD CONSTRAINT "deployments_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "infra_resources" ADD CONSTRAINT "infra_resources_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "infra_resources" ADD CONSTRAINT "infra_resources_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "repos" ADD CONSTRAINT "repos_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sandbox_jobs" ADD CONSTRAINT "sandbox_jobs_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sandbox_jobs" ADD CONSTRAINT "sandbox_jobs_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approval_decisions" ADD CONSTRAINT "approval_decisions_approval_id_approvals_id_fk" FOREIGN KEY ("approval_id") REFERENCES "public"."approvals"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_plan_artifact_id_artifacts_id_fk" FOREIGN KEY ("plan_artifact_id") REFERENCES "public"."artifacts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "effects" ADD CONSTRAINT "effects_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "effects" ADD CONSTRAINT "effects_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "effects" ADD CONSTRAINT "effects_approval_id_approvals_id_fk" FOREIGN KEY ("approval_id") REFERENCES "public"."approvals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "file_chunks" ADD CONSTRAINT "file_chunks_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "file_chunks" ADD CONSTRAINT "file_chunks_file_id_project_files_id_fk" FOREIGN KEY ("file_id") REFERENCES "public"."project_files"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_files" ADD CONSTRAINT "project_files_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_policies" ADD CONSTRAINT "project_policies_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_skills" ADD CONSTRAINT "project_skills_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "artifacts" ADD CONSTRAINT "artifacts_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "artifacts" ADD CONSTRAINT "artifacts_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_steps" ADD CONSTRAINT "run_steps_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "audit_entries_subject_idx" ON "audit_entries" USING btree ("subject");--> statement-breakpoint
CREATE INDEX "chat_messages_thread_idx" ON "chat_messages" USING btree ("thread_id","created_at");--> statement-breakpoint
CREATE UNIQUE INDEX "chat_messages_reply_key" ON "chat_messages" USING btree ("in_reply_to");--> statement-breakpoint
CREATE INDEX "chat_threads_project_idx" ON "chat_threads" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "chat_threads_list_idx" ON "chat_threads" USING btree ("project_id","created_at","id");--> statement-breakpoint
CREATE INDEX "citations_project_idx" ON "citations" USING btree ("project_id");--> statement-breakpoint
CREATE UNIQUE INDEX "citations_artifact_key" ON "citations" USING btree ("artifact_id","ordinal");--> statement-breakpoint
CREATE UNIQUE INDEX "citations_message_key" ON "citations" USING btree ("message_id","ordinal");--> statement-breakpoint
CREATE INDEX "citations_chunk_idx" ON "citations" USING btree ("chunk_id");--> statement-breakpoint
CREATE INDEX "citations_file_idx" ON "citations" USING btree ("file_id");--> statement-breakpoint
CREATE INDEX "deployments_project_status_idx" ON "deployments" USING btree ("project_id","status");--> statement-breakpoint
CREATE UNIQUE INDEX "deployments_external_key" ON "deployments" USING btree ("vercel_deployment_id");--> statement-breakpoint
CREATE INDEX "deployments_run_idx" ON "deployments" USING btree ("run_id");--> statement-breakpoint
CREATE UNIQUE INDEX "infra_resources_external_key" ON "infra_resources" USING btree ("project_id","provider","resource_type","external_id");--> statement-breakpoint
CREATE INDEX "infra_resources_run_idx" ON "infra_resources" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "repos_project_idx" ON "repos" USING btree ("project_id");--> statement-breakpoint
CREATE UNIQUE INDEX "repos_name_key" ON "repos" USING btree ("project_id","provider",lower("owner"),lower("name"));--> statement-breakpoint
CREATE UNIQUE INDEX "sandbox_jobs_step_key" ON "sandbox_jobs" USING btree ("run_id","step_id","job_type");--> statement-breakpoint
CREATE INDEX "sandbox_jobs_run_type_idx" ON "sandbox_jobs" USING btree ("run_id","job_type");--> statement-breakpoint
CREATE INDEX "sandbox_jobs_project_idx" ON "sandbox_jobs" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "approvals_run_scope_idx" ON "approvals" USING btree ("run_id","scope");--> statement-breakpoint
CREATE INDEX "approvals_list_idx" ON "approvals" USING btree ("project_id","created_at","id");--> statement-breakpoint
CREATE INDEX "approvals_plan_idx" ON "approvals" USING btree ("plan_artifact_id");--> statement-breakpoint
CREATE INDEX "approvals_expiry_idx" ON "approvals" USING btree ("expires_at") WHERE "approvals"."status" in ('pending', 'granted');--> statement-breakpoint
CREATE UNIQUE INDEX "approvals_live_key" ON "approvals" USING btree ("run_id","scope",coalesce("step_id", '')) WHERE "approvals"."status" in ('pending', 'granted');--> statement-breakpoint
CREATE INDEX "effects_project_idx" ON "effects" USING btree ("project_id","planned_at","id");--> statement-breakpoint
CREATE INDEX "effects_approval_idx" ON "effects" USING btree ("approval_id");--> statement-breakpoint
CREATE INDEX "effects_lease_idx" ON "effects" USING btree ("lease_expires_at") WHERE "effects"."status" in ('claimed', 'sent');--> statement-breakpoint
CREATE INDEX "file_chunks_project_file_idx" ON "file_chunks" USING btree ("project_id","file_id");--> statement-breakpoint
CREATE UNIQUE INDEX "file_chunks_ordinal_key" ON "file_chunks" USING btree ("file_id","extraction_version","ordinal");--> statement-breakpoint
CREATE INDEX "file_chunks_unindexed_idx" ON "file_chunks" USING btree ("file_id","extraction_version","ordinal") WHERE "file_chunks"."indexed_at" is null;--> statement-breakpoint
CREATE INDEX "file_chunks_file_id_idx" ON "file_chunks" USING btree ("file_id","id");--> statement-breakpoint
CREATE INDEX "file_chunks_search_idx" ON "file_chunks" USING gin ("project_id","search");--> statement-breakpoint
CREATE UNIQUE INDEX "project_files_sha256_key" ON "project_files" USING btree ("project_id","sha256");--> statement-breakpoint
CREATE UNIQUE INDEX "project_files_pending_url_key" ON "project_files" USING btree ("project_id","source_url") WHERE "project_files"."sha256" is null;--> statement-breakpoint
CREATE INDEX "project_files_project_idx" ON "project_files" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "project_files_list_idx" ON "project_files" USING btree ("project_id","created_at","id");--> statement-breakpoint
CREATE INDEX "project_files_unfinished_idx" ON "project_files" USING btree ("status","updated_at") WHERE "project_files"."status" in ('pending', 'uploaded', 'ingesting');--> statement-breakpoint
CREATE INDEX "project_files_ingested_version_idx" ON "project_files" USING btree ("extraction_version","updated_at") WHERE "project_files"."status" = 'ingested';--> statement-breakpoint
CREATE INDEX "project_files_blob_idx" ON "project_files" USING btree ("blob_ref");--> statement-breakpoint
CREATE UNIQUE INDEX "project_skills_project_name_key" ON "project_skills" USING btree ("project_id","name_norm");--> statement-breakpoint
CREATE UNIQUE INDEX "projects_owner_slug_key" ON "projects" USING btree ("owner_user_id","slug");--> statement-breakpoint
CREATE INDEX "projects_owner_updated_idx" ON "projects" USING btree ("owner_user_id","updated_at");--> statement-breakpoint
CREATE INDEX "projects_owner_created_idx" ON "projects" USING btree ("owner_user_id","created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "artifacts_version_key" ON "artifacts" USING btree ("project_id","kind","logical_key","version");--> statement-breakpoint
CREATE INDEX "artifacts_key_idx" ON "artifacts" USING btree ("project_id","kind","logical_key");--> statement-breakpoint
CREATE INDEX "artifacts_run_idx" ON "artifacts" USING btree ("run_id");--> statement-breakpoint
CREATE INDEX "run_steps_name_idx" ON "run_steps" USING btree ("run_id","step_name");--> statement-breakpoint
CREATE INDEX "runs_project_idx" ON "runs" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "runs_list_idx" ON "runs" USING btree ("project_id","created_at","id");--> statement-breakpoint
CREATE INDEX "runs_live_idx" ON "runs" USING btree ("status","updated_at") WHERE "runs"."status" not in ('succeeded', 'failed', 'canceled');