import { eventType } from "inngest";
import * as z from "zod";
import { id, place } from "./fields.ts";

/** What runs produce, for whoever follows them. Each names the row to read. */

export const artifactCreated = eventType("artifact.created", {
  schema: z.strictObject({
    projectId: id,
    artifactId: id,
    kind: z.string(),
    logicalKey: z.string(),
    version: z.int().min(1),
    runId: id.optional(),
  }),
});

export const sandboxJobFinished = eventType("sandbox.job.finished", {
  schema: z.strictObject({
    projectId: id,
    runId: id,
    jobId: id,
    jobType: z.string(),
    status: z.enum(["succeeded", "failed"]),
    exitCode: z.int().nullable(),
  }),
});

/** A resource is there. Said by people of what they made by hand for a run, with its name there as `resourceId`; by us with the id of our row. */
export const infraProvisioned = eventType("infra.provisioned", {
  schema: z.strictObject({
    projectId: id,
    runId: id,
    resourceId: id,
    provider: z.enum(["neon", "upstash", "vercel"]),
    resourceType: z.string(),
    externalId: z.string(),
  }),
});

export const deploymentUpdated = eventType("deployment.updated", {
  schema: z.strictObject({
    projectId: id,
    runId: id.optional(),
    deploymentId: id,
    status: z.string(),
    url: place.optional(),
  }),
});
