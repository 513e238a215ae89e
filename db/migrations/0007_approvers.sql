ALTER TABLE "approvals" ADD COLUMN "approvers" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
CREATE INDEX "approvals_approvers_idx" ON "approvals" USING gin ("approvers");