import { randomBytes } from "node:crypto";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { struck } from "../../faults.ts";
import type { Service } from "../service.ts";
import { newFault } from "../store/faults.ts";
import { answerApi } from "./api.ts";
import { Refusal, unprocessable } from "./errors.ts";
import { answerGit, gitRequest } from "./smart-http.ts";

/** GitHub takes files of 100 MB, which are a third longer in base64. */
const MAX_BODY_BYTES = 140 * 1024 * 1024;

const newToken = z.strictObject({
  login: z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/),
  repos: z.array(z.string().regex(/^[^/]+\/[^/]+$/)).optional(),
  permission: z.enum(["read", "write"]).default("write"),
});

type Ctx = Context<{ Bindings: HttpBindings }>;

/** The whole server over HTTP; paths that begin with `_` are for whoever tests against it and want `token`. */
export function githubApp(service: Service, token: string): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const tooLarge = () => new Refusal(413, "The request is too large").response();
  app.use("/api/*", bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }));
  app.all("/api/v3/*", (c) => answerApi(service, c.req.raw, c.env.incoming));

  app.use("/:control{_.+}", async (c, next) => {
    if (c.req.header("authorization") !== `Bearer ${token}`) {
      throw new Refusal(401, "Bad credentials");
    }
    await next();
  });
  app.put("/_faults", async (c) => {
    const fault = await body(c, newFault);
    service.faults.add(fault);
    return c.json(fault);
  });
  app.delete("/_faults", (c) => {
    service.faults.clear();
    service.showAll();
    return c.body(null, 204);
  });
  app.put("/_tokens", async (c) => {
    const { login, repos = null, permission } = await body(c, newToken);
    const made = newPersonalToken();
    service.repos.addToken(made, { login, repos, permission });
    return c.json({ login, token: made });
  });
  app.get("/_deliveries", (c) => c.json({ deliveries: service.hooks.deliveries() }));

  app.get("/:owner/:repo/pull/:number", (c) => {
    const { owner, repo, number } = c.req.param();
    return c.text(`Pull request ${number} of ${owner}/${repo}: ask the API for it.\n`);
  });
  app.all("*", async (c) => {
    const asked = gitRequest(c.req.path);
    if (!asked) throw new Refusal(501, `The local GitHub has no page ${c.req.path}`);
    const repo = `${asked.owner}/${asked.name}`;
    const fault = service.faults.take({ method: c.req.method, path: c.req.path, repo });
    return await struck(fault, c.env.incoming, {
      failed: () => new Response("Told to fail\n", { status: 502 }),
      limited: () => new Response("Too many requests\n", { status: 429 }),
      work: async () => {
        await answerGit(service, asked, c.env.incoming, c.env.outgoing);
        return RESPONSE_ALREADY_SENT;
      },
    });
  });
  app.onError((error) => {
    if (error instanceof Refusal) return error.response();
    console.error("github:", error);
    return new Refusal(500, "Server Error").response();
  });
  return app;
}

/** In the form that GitHub's have. */
export function newPersonalToken(): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const text = Array.from(randomBytes(36), (byte) => letters[byte % letters.length]).join("");
  return `ghp_${text}`;
}

async function body<T extends z.ZodType>(c: Ctx, schema: T): Promise<z.infer<T>> {
  const json: unknown = await c.req.json().catch(() => {
    throw new Refusal(400, "Problems parsing JSON");
  });
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unprocessable(`${issue?.path.join(".") || "body"}: ${issue?.message}`);
}
