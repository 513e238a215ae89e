CREATE TABLE "file_removals" (
	"file_id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"ingesting" boolean NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "file_removals" ADD CONSTRAINT "file_removals_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "file_removals_project_idx" ON "file_removals" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "file_removals_updated_idx" ON "file_removals" USING btree ("updated_at");