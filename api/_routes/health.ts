import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { pingDatabase } from "#lib/data/health.server.ts";
import { within } from "#lib/deadline.ts";
import { errorMessage, Unavailable } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { pingVectors } from "#lib/upstash/vector.ts";
import type { AppEnv } from "./common.ts";
import { problems } from "./problem.ts";

const CHECKS = { database: pingDatabase, vectors: pingVectors };
const CHECK_MS = 1500;
/** Anybody may ask, so what asking costs is bounded. */
const FRESH_MS = 1000;

const Health = z.object({ status: z.literal("ok") }).openapi("Health");

const health = createRoute({
  method: "get",
  path: "/health",
  summary: "Whether the database and the vector store answer; 503 names the one that does not",
  security: [],
  responses: {
    200: { description: "Both answer", content: { "application/json": { schema: Health } } },
    ...problems(503),
  },
});

let last: { at: number; down: Promise<readonly string[]> } | undefined;

export const healthRoutes = new OpenAPIHono<AppEnv>().openapi(health, async (c) => {
  if (!last || performance.now() - last.at > FRESH_MS) {
    last = { at: performance.now(), down: whatIsDown() };
  }
  const down = await last.down;
  if (down.length > 0) throw new Unavailable("unhealthy", `Not answering: ${down.join(", ")}`);
  return c.json({ status: "ok" as const }, 200);
});

async function whatIsDown(): Promise<string[]> {
  const checked = Object.entries(CHECKS).map(async ([name, ping]) => {
    try {
      await within(CHECK_MS, () => ping());
      return [];
    } catch (error) {
      log.warn("health check failed", { name, error: errorMessage(error) });
      return [name];
    }
  });
  return (await Promise.all(checked)).flat();
}
