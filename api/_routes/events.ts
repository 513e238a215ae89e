import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { eventSchemas } from "#lib/events/schema.ts";
import type { AppEnv } from "./common.ts";

const Schemas = z
  .record(
    z.string(),
    z.object({
      direction: z.enum(["inbound", "outbound"]),
      data: z.record(z.string(), z.unknown()).describe("JSON Schema of the event's data"),
    }),
  )
  .openapi("EventSchemas");

const schema = createRoute({
  method: "get",
  path: "/events/schema",
  summary: "Every event by its name, as JSON Schema: what to send and what to follow",
  security: [],
  responses: {
    200: { description: "The catalogue", content: { "application/json": { schema: Schemas } } },
  },
});

export const eventRoutes = new OpenAPIHono<AppEnv>().openapi(schema, (c) => {
  c.header("cache-control", "public, max-age=300");
  return c.json(eventSchemas(), 200);
});
