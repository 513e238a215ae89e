DROP INDEX "project_files_blob_idx";--> statement-breakpoint
ALTER TABLE "project_files" ADD COLUMN "expected_sha256" text;--> statement-breakpoint
CREATE INDEX "projects_deleting_idx" ON "projects" USING btree ("updated_at") WHERE "projects"."status" = 'deleting';