import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { exportAudit } from "#lib/audit/export.ts";
import { getProject } from "#lib/data/projects.server.ts";
import { type AppEnv, forOwners, ProjectParams } from "./common.ts";
import { problems } from "./problem.ts";

/** Not a literal type: the route's types take everything that ends in json for one JSON value. */
const NDJSON: string = "application/x-ndjson";
const lines = { schema: { type: "string", format: "binary" } } as const;

const audit = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects/{projectId}/audit",
  summary: "A project's whole audit chain as lines of JSON, to be verified offline",
  request: { params: ProjectParams },
  responses: {
    200: {
      description: "Checkpoints, entries in order, and a last line without which it is not whole",
      content: { [NDJSON]: lines },
    },
    ...problems(401, 404, 422),
  },
});

export const auditRoutes = new OpenAPIHono<AppEnv>().openapi(audit, async (c) => {
  const { projectId } = c.req.valid("param");
  await getProject({ id: projectId, ownerUserId: c.var.userId });
  // Page by page, as fast as the client reads. What breaks on the way ends the stream without its last line.
  const body = ReadableStream.from(exportAudit(projectId)).pipeThrough(new TextEncoderStream());
  return c.body(body, 200, { "content-type": NDJSON });
});
