import { eventType } from "inngest";
import * as z from "zod";
import { externalId, id } from "./fields.ts";

/** Events between parts of ours: not of the public contract, and taken from nobody. */

/** Vercel says that something happened to a deployment: whoever waits for it reads it there. */
export const deploymentReported = eventType("deployment.reported", {
  schema: z.strictObject({ projectId: id, deploymentId: id, vercelDeploymentId: externalId }),
});
