import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { requiredGitHubSecret, verifiedText } from "#lib/github/webhook.ts";
import { eventsOf } from "#lib/repos/webhook.ts";
import { reportOf, requiredVercelSecret, verifiedBytes } from "#lib/vercel/webhook.ts";
import { type AppEnv, json, wake } from "./common.ts";
import { BodyTooLarge, problems } from "./problem.ts";

/** GitHub sends up to 25 MB, a push of 2,048 commits some 2 MB, Vercel less; what is in them beyond a few fields is not read. */
const MAX_BYTES = 5 * 1024 * 1024;

const limit = bodyLimit({
  maxSize: MAX_BYTES,
  onError: () => {
    throw new BodyTooLarge("too_large", `A delivery may have at most ${MAX_BYTES} bytes`);
  },
});

const Taken = z
  .object({
    events: z
      .int()
      .describe("How many events it became, of GitHub's one for each project it concerns"),
    ignored: z.string().optional().describe("Why it became none"),
  })
  .openapi("Delivery");

const github = createRoute({
  method: "post",
  path: "/webhooks/github",
  summary: "Takes GitHub's webhooks: push, pull_request, check_run and status; ignores the rest",
  security: [{ githubSignature: [] }],
  middleware: limit,
  request: {
    // Described and not parsed: the signature is over the bytes.
    body: { required: true, content: { "application/json": { schema: { type: "object" } } } },
    headers: z.object({
      "x-github-event": z.string().optional(),
      "x-github-delivery": z.string().optional(),
      "x-hub-signature-256": z.string().optional(),
    }),
  },
  responses: {
    202: { description: "Taken, or ignored", content: json(Taken) },
    ...problems(400, 401, 413, 422, 503),
  },
});

const vercel = createRoute({
  method: "post",
  path: "/webhooks/vercel",
  summary: "Takes Vercel's webhooks about deployments of ours; ignores the rest",
  security: [{ vercelSignature: [] }],
  middleware: limit,
  request: {
    // Described and not parsed: the signature is over the bytes.
    body: { required: true, content: { "application/json": { schema: { type: "object" } } } },
    headers: z.object({ "x-vercel-signature": z.string().optional() }),
  },
  responses: {
    202: { description: "Taken, or ignored", content: json(Taken) },
    ...problems(400, 401, 413, 422, 503),
  },
});

export const webhookRoutes = new OpenAPIHono<AppEnv>();

webhookRoutes.openAPIRegistry.registerComponent("securitySchemes", "vercelSignature", {
  type: "apiKey",
  in: "header",
  name: "x-vercel-signature",
});

webhookRoutes.openapi(vercel, async (c) => {
  const secret = requiredVercelSecret();
  const { "x-vercel-signature": signature } = c.req.valid("header");
  const bytes = verifiedBytes({ secret, signature, body: await c.req.arrayBuffer() });
  const report = await reportOf(parsed(bytes.toString("utf8")));
  if ("ignored" in report) return c.json({ events: 0, ignored: report.ignored }, 202);
  await wake(report.event);
  return c.json({ events: 1 }, 202);
});

webhookRoutes.openapi(github, async (c) => {
  const secret = requiredGitHubSecret();
  const {
    "x-github-event": kind,
    "x-github-delivery": delivery,
    "x-hub-signature-256": signature,
  } = c.req.valid("header");
  const text = await verifiedText({ secret, signature, body: await c.req.arrayBuffer() });
  const { events, ignored } = await eventsOf({ kind, delivery, body: parsed(text) });
  await wake(...events);
  return c.json({ events: events.length, ...(ignored !== undefined && { ignored }) }, 202);
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = "The body is not JSON: set the webhook's content type to application/json.";
    throw new HTTPException(400, { message, cause });
  }
}
