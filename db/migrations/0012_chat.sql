CREATE TYPE "public"."message_state" AS ENUM('pending', 'answered', 'failed');--> statement-breakpoint
DROP INDEX "chat_messages_thread_idx";--> statement-breakpoint
ALTER TABLE "citations" ALTER COLUMN "file_name" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "citations" ALTER COLUMN "file_sha256" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "citations" ALTER COLUMN "extraction_version" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "citations" ALTER COLUMN "chunk_sha256" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "project_skills" drop column "name_norm";--> statement-breakpoint
ALTER TABLE "project_skills" ADD COLUMN "name_norm" text GENERATED ALWAYS AS (lower(btrim(normalize("name", NFKC)))) STORED NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "project_skills_project_name_key" ON "project_skills" USING btree ("project_id","name_norm");--> statement-breakpoint
ALTER TABLE "chat_messages" ADD COLUMN "state" "message_state";--> statement-breakpoint
ALTER TABLE "chat_messages" ADD COLUMN "error" text;--> statement-breakpoint
ALTER TABLE "chat_messages" ADD COLUMN "remediation" text;--> statement-breakpoint
ALTER TABLE "chat_messages" ADD COLUMN "woken_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "cited_artifact_id" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "artifact_kind" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "artifact_key" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "artifact_version" integer;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "artifact_sha256" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "repo_id" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "code_path" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "commit_sha" text;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "line_start" integer;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "line_end" integer;--> statement-breakpoint
ALTER TABLE "citations" ADD COLUMN "code_sha256" text;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_cited_artifact_id_artifacts_id_fk" FOREIGN KEY ("cited_artifact_id") REFERENCES "public"."artifacts"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_repo_id_repos_id_fk" FOREIGN KEY ("repo_id") REFERENCES "public"."repos"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "chat_messages_pending_idx" ON "chat_messages" USING btree ("thread_id","created_at") WHERE "chat_messages"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "chat_messages_woken_idx" ON "chat_messages" USING btree ("woken_at") WHERE "chat_messages"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "citations_cited_artifact_idx" ON "citations" USING btree ("cited_artifact_id");--> statement-breakpoint
CREATE INDEX "citations_repo_idx" ON "citations" USING btree ("repo_id");--> statement-breakpoint
CREATE INDEX "chat_messages_thread_idx" ON "chat_messages" USING btree ("thread_id","created_at","id");--> statement-breakpoint
ALTER TABLE "chat_messages" ADD CONSTRAINT "chat_messages_state_check" CHECK ("chat_messages"."state" is null or "chat_messages"."role" = 'user');--> statement-breakpoint
ALTER TABLE "chat_messages" ADD CONSTRAINT "chat_messages_error_check" CHECK (coalesce("chat_messages"."state" = 'failed', false) = ("chat_messages"."error" is not null));--> statement-breakpoint
ALTER TABLE "citations" ADD CONSTRAINT "citations_source_check" CHECK (num_nonnulls("citations"."file_name", "citations"."artifact_kind", "citations"."code_path") = 1
        and num_nonnulls("citations"."file_name", "citations"."file_sha256", "citations"."extraction_version", "citations"."chunk_sha256") in (0, 4)
        and ("citations"."file_name" is not null or num_nonnulls("citations"."chunk_id", "citations"."file_id", "citations"."page_start", "citations"."page_end") = 0)
        and num_nonnulls("citations"."artifact_kind", "citations"."artifact_key", "citations"."artifact_version", "citations"."artifact_sha256") in (0, 4)
        and ("citations"."artifact_kind" is not null or "citations"."cited_artifact_id" is null)
        and num_nonnulls("citations"."code_path", "citations"."commit_sha", "citations"."line_start", "citations"."line_end", "citations"."code_sha256") in (0, 5)
        and ("citations"."code_path" is not null or "citations"."repo_id" is null));