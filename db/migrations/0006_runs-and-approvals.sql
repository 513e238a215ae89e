CREATE TABLE "approver_keys" (
	"id" text NOT NULL,
	"project_id" text NOT NULL,
	"owner" text NOT NULL,
	"public_key" text NOT NULL,
	"created_by" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "approver_keys_pkey" PRIMARY KEY("project_id","id")
);
--> statement-breakpoint
DROP INDEX "effects_approval_idx";--> statement-breakpoint
ALTER TABLE "audit_entries" ADD COLUMN "key" text;--> statement-breakpoint
ALTER TABLE "approval_decisions" ADD COLUMN "nonce" text;--> statement-breakpoint
ALTER TABLE "effects" ADD COLUMN "intent" jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "effects" ADD COLUMN "position" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "attempt" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "remediation" text;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "result" jsonb;--> statement-breakpoint
ALTER TABLE "approver_keys" ADD CONSTRAINT "approver_keys_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "approver_keys_owner_idx" ON "approver_keys" USING btree ("project_id","owner");--> statement-breakpoint
CREATE UNIQUE INDEX "runs_event_key" ON "runs" USING btree ("project_id","event_id");--> statement-breakpoint
CREATE INDEX "effects_approval_idx" ON "effects" USING btree ("approval_id","position");--> statement-breakpoint
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_key_key" UNIQUE("project_id","key");--> statement-breakpoint
ALTER TABLE "approval_decisions" ADD CONSTRAINT "approval_decisions_nonce_key" UNIQUE("decided_by","nonce");--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_attempt_check" CHECK ("runs"."attempt" > 0);