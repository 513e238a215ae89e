CREATE TABLE "code_files" (
	"repo_id" text NOT NULL,
	"key" text NOT NULL,
	"path" text NOT NULL,
	"blob_sha" text NOT NULL,
	"language" text NOT NULL,
	"commit_sha" text NOT NULL,
	"from_generation" integer NOT NULL,
	"to_generation" integer,
	"chunk_count" integer,
	"skipped" text,
	"indexed_at" timestamp (3) with time zone,
	CONSTRAINT "code_files_repo_id_key_pk" PRIMARY KEY("repo_id","key")
);
--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "indexed_commit" text;--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "index_generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "index_version" integer;--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "indexed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "indexing_commit" text;--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "index_error" text;--> statement-breakpoint
ALTER TABLE "repos" ADD COLUMN "index_counts" jsonb;--> statement-breakpoint
ALTER TABLE "code_files" ADD CONSTRAINT "code_files_repo_id_repos_id_fk" FOREIGN KEY ("repo_id") REFERENCES "public"."repos"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "code_files_pending_idx" ON "code_files" USING btree ("repo_id","key") WHERE "code_files"."indexed_at" is null;--> statement-breakpoint
CREATE INDEX "code_files_gone_idx" ON "code_files" USING btree ("repo_id","to_generation") WHERE "code_files"."to_generation" is not null;--> statement-breakpoint
CREATE INDEX "repos_list_idx" ON "repos" USING btree ("project_id","created_at","id");--> statement-breakpoint
CREATE INDEX "repos_full_name_idx" ON "repos" USING btree ("provider",lower("owner"),lower("name"));