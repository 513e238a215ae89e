import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type * as z from "zod";
import type { Rates } from "../../github/http/rate.ts";
import type { Service } from "../service.ts";
import { newBuildFault, newFault } from "../store/faults.ts";
import { newHold } from "../store/holds.ts";
import { answerApi } from "./api.ts";
import { badRequest, forbidden, notImplemented, Refusal } from "./errors.ts";

const MAX_BODY_BYTES = 10 * 1024 * 1024;

type Ctx = Context<{ Bindings: HttpBindings }>;

/** The whole server over HTTP; paths that begin with `_` are for whoever tests against it. */
export function vercelApp(
  service: Service,
  { token, rates }: { token: string; rates: Rates },
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  const tooLarge = () => new Refusal(413, "payload_too_large", "Too large").response();
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }));
  app.all("/:version{v[0-9]+}/*", (c) =>
    answerApi(service, { token, rates }, c.req.raw, c.env.incoming),
  );

  app.use("/:control{_.+}", async (c, next) => {
    if (c.req.header("authorization") !== `Bearer ${token}`) throw forbidden();
    await next();
  });
  app.put("/_faults", async (c) => {
    const fault = await body(c, newFault);
    service.faults.add(fault);
    return c.json(fault);
  });
  app.put("/_builds", async (c) => {
    const fault = await body(c, newBuildFault);
    service.faults.addBuild(fault);
    return c.json(fault);
  });
  app.delete("/_faults", (c) => {
    service.faults.clear();
    service.showAll();
    return c.body(null, 204);
  });
  app.put("/_hold", async (c) => {
    const holds = await body(c, newHold);
    service.holds.set(holds);
    service.switchWaiting();
    service.builder.wake();
    return c.json(holds);
  });
  app.get("/_deliveries", (c) => c.json({ deliveries: service.deliveries.all() }));
  app.all("*", (c) => {
    throw notImplemented(`${c.req.method} ${c.req.path}`);
  });
  app.onError((error) => {
    if (error instanceof Refusal) return error.response();
    console.error("vercel:", error);
    return new Refusal(500, "internal_server_error", "An unexpected error occurred.").response();
  });
  return app;
}

async function body<T extends z.ZodType>(c: Ctx, schema: T): Promise<z.infer<T>> {
  const json: unknown = await c.req.json().catch(() => {
    throw badRequest("Invalid JSON");
  });
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw badRequest(`${issue?.path.join(".") || "body"}: ${issue?.message}`);
}
