CREATE TABLE "file_names" (
	"project_id" text NOT NULL,
	"name" text NOT NULL,
	"file_id" text NOT NULL,
	"came_at" timestamp with time zone NOT NULL,
	CONSTRAINT "file_names_project_id_name_file_id_pk" PRIMARY KEY("project_id","name","file_id")
);
--> statement-breakpoint
DROP INDEX "project_files_name_idx";--> statement-breakpoint
ALTER TABLE "file_names" ADD CONSTRAINT "file_names_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "file_names" ADD CONSTRAINT "file_names_file_id_project_files_id_fk" FOREIGN KEY ("file_id") REFERENCES "public"."project_files"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "file_names_came_idx" ON "file_names" USING btree ("project_id","name","came_at","file_id");--> statement-breakpoint
CREATE INDEX "file_names_file_idx" ON "file_names" USING btree ("file_id");--> statement-breakpoint
-- When an alias came was not kept: with the time of the file itself, nothing becomes stale that was not.
INSERT INTO "file_names" ("project_id", "name", "file_id", "came_at")
SELECT "project_id", unnest(array_append("aliases", "name")), "id", "created_at" FROM "project_files"
ON CONFLICT DO NOTHING;
