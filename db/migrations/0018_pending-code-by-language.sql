DROP INDEX "code_files_pending_idx";--> statement-breakpoint
CREATE INDEX "code_files_pending_idx" ON "code_files" USING btree ("repo_id","language","key") WHERE "code_files"."indexed_at" is null;