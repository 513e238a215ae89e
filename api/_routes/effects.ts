import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { resolutionFacts } from "#lib/approvals/proof.ts";
import { listEffects, visibleEffect } from "#lib/data/effect-lists.server.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { listRefusals } from "#lib/data/refusals.server.ts";
import { effectResolved } from "#lib/events/catalogue/approvals.ts";
import { id } from "#lib/events/catalogue/fields.ts";
import { event } from "#lib/events/emit.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  instant,
  json,
  paged,
  projectList,
  shown,
  wake,
} from "./common.ts";
import { problems } from "./problem.ts";
import { Refusal, Sent } from "./said.ts";
import { seal } from "./seal.ts";

export const Effect = z
  .object({
    id: z.string().describe("Also its marker in the other system"),
    projectId: z.string(),
    runId: z.string(),
    stepId: z.string(),
    approvalId: z.string().nullable(),
    kind: z.string(),
    scope: z.string(),
    status: z.enum([
      ...["planned", "approved", "claimed", "sent", "confirmed", "failed", "unknown", "abandoned"],
    ] as const),
    intent: z.record(z.string(), z.unknown()),
    intentHash: z.string(),
    attempt: z.int().describe("How often it was sent"),
    externalId: z.string().nullable(),
    externalUrl: z.string().nullable(),
    error: z.string().nullable(),
    plannedAt: instant,
    claimedAt: instant.nullable(),
    sentAt: instant.nullable(),
    confirmedAt: instant.nullable(),
    updatedAt: instant,
  })
  .openapi("Effect");

const EffectDetail = Effect.extend({
  refusals: z.array(Refusal).describe("Resolutions that did not count, oldest first"),
}).openapi("EffectDetail");

const params = z.object({ effectId: id });

const list = projectList(
  "effects",
  "What a project has changed or would change in other systems, newest first",
  Effect,
);

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/effects/{effectId}",
  summary: "One effect, for the project's owner and for who may approve it",
  request: { params },
  responses: {
    200: { description: "The effect", content: json(EffectDetail) },
    ...problems(401, 404, 422),
  },
});

const { resolution, externalId, externalUrl, note, signature } = effectResolved.schema.shape;
const Resolution = z
  .strictObject({ resolution, externalId, externalUrl, note, signature })
  .openapi("NewResolution");

const resolve = createRoute({
  ...forOwnersWithJson,
  method: "post",
  path: "/effects/{effectId}/resolve",
  summary: "Say what is to become of an effect whose outcome could not be found out",
  request: { params, body: { required: true, content: json(Resolution) } },
  responses: {
    202: { description: "Sent to be judged", content: json(Sent) },
    ...problems(400, 401, 404, 413, 415, 422, 503),
  },
});

export const effectRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const page = await listEffects({ projectId, ...c.req.valid("query") });
    return c.json(
      paged(page, (row) => shown(Effect, row)),
      200,
    );
  })
  .openapi(read, async (c) => {
    const { effectId } = c.req.valid("param");
    const effect = await visibleEffect({ id: effectId, userId: c.var.userId });
    const refusals = await listRefusals({ projectId: effect.projectId, subject: effectId });
    return c.json(
      { ...shown(Effect, effect), refusals: refusals.map((row) => shown(Refusal, row)) },
      200,
    );
  })
  .openapi(resolve, async (c) => {
    const { effectId } = c.req.valid("param");
    const { signature, ...said } = c.req.valid("json");
    const { userId: by, requestId } = c.var;
    const { projectId, attempt } = await visibleEffect({ id: effectId, userId: by });
    const facts = resolutionFacts({ effectId, attempt, ...said });
    const proof = signature ? { signature } : { edge: seal(facts, { by, requestId }) };
    // The occasion: what no proof tells apart may rightly be said again, such as of the next attempt.
    const resolved = event(
      effectResolved,
      { projectId, effectId, by, ...said, ...proof },
      signature ? undefined : requestId,
    );
    await wake(resolved);
    return c.json({ eventId: resolved.id }, 202);
  });
