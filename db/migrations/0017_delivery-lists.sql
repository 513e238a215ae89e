CREATE INDEX "deployments_project_idx" ON "deployments" USING btree ("project_id","started_at","id");--> statement-breakpoint
CREATE INDEX "infra_resources_project_idx" ON "infra_resources" USING btree ("project_id","created_at","id");--> statement-breakpoint
CREATE INDEX "effects_target_idx" ON "effects" USING btree (("params"->>'project')) WHERE ("effects"."params"->>'project') is not null;--> statement-breakpoint
CREATE INDEX "findings_effect_idx" ON "findings" USING btree ("effect_id");--> statement-breakpoint
CREATE INDEX "runs_ended_idx" ON "runs" USING btree ("ended_at") WHERE "runs"."kind" = 'implementation' and "runs"."ended_at" is not null;