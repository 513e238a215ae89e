import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { deploymentByVercelId } from "../data/deployments.server.ts";
import { env } from "../env.ts";
import { InvalidInput, Unauthorized, Unavailable } from "../errors.ts";
import { deploymentReported } from "../events/catalogue/internal.ts";
import { event, type OutgoingEvent } from "../events/emit.ts";

/** The secret that Vercel signs its webhooks with. Throws Unavailable when none is set: then none can be told from a forged one. */
export function requiredVercelSecret(): string {
  const { VERCEL_WEBHOOK_SECRET } = env();
  if (VERCEL_WEBHOOK_SECRET !== undefined) return VERCEL_WEBHOOK_SECRET;
  const what = "No webhooks are taken: VERCEL_WEBHOOK_SECRET is not set, see docs/environment.md.";
  throw new Unavailable("webhooks_not_set_up", what);
}

const SIGNATURE = /^[0-9a-f]{40}$/;

/**
 * A delivery's bytes, when they have Vercel's signature (HMAC-SHA1 in hex, compared in constant time). Throws Unauthorized otherwise.
 * https://vercel.com/docs/webhooks/webhooks-api#securing-webhooks
 */
export function verifiedBytes(delivery: {
  readonly secret: string;
  readonly signature: string | undefined;
  readonly body: ArrayBuffer;
}): Buffer {
  const { secret, signature = "" } = delivery;
  const body = Buffer.from(delivery.body);
  const expected = createHmac("sha1", secret).update(body).digest();
  const signed = SIGNATURE.test(signature);
  if (signed && timingSafeEqual(expected, Buffer.from(signature, "hex"))) return body;
  const what = "The signature in x-vercel-signature is not that of this body: check the secret.";
  throw new Unauthorized("webhook_signature", what);
}

const delivered = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
  type: z.string().max(200),
  payload: z.object({ deployment: z.object({ id: z.string().max(200) }).optional() }),
});

/**
 * The event that a delivery of Vercel's stands for, when it is about a deployment of ours. Its id is made of the delivery's, so that
 * one that is sent again is the same. `ignored` says why there is none. Throws InvalidInput for what Vercel does not send.
 */
export async function reportOf(
  body: unknown,
): Promise<{ event: OutgoingEvent } | { ignored: string }> {
  const read = delivered.safeParse(body);
  if (!read.success) {
    const where = read.error.issues.map(({ path }) => path.map(String).join(".")).join(", ");
    throw new InvalidInput("webhook_body", `This is no webhook of Vercel's: look at ${where}.`);
  }
  const { id, type, payload } = read.data;
  if (!type.startsWith("deployment.") || !payload.deployment) {
    return { ignored: "Events of this kind are not followed." };
  }
  const row = await deploymentByVercelId(payload.deployment.id);
  if (!row) return { ignored: "The deployment is none of ours." };
  const { projectId, vercelDeploymentId } = row;
  const data = { projectId, deploymentId: row.id, vercelDeploymentId };
  return { event: { ...event(deploymentReported, data), id: `vercel:${id}:${row.id}` } };
}
