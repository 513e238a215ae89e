import { createRoute, OpenAPIHono } from "@hono/zod-openapi";
import { getProject } from "#lib/data/projects.server.ts";
import { exportProject } from "#lib/export/export.ts";
import { type AppEnv, forOwners, ProjectParams } from "./common.ts";
import { problems } from "./problem.ts";
import { streamed } from "./streamed.ts";

const zip = { schema: { type: "string", format: "binary" } } as const;

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/export/{projectId}",
  summary: "The latest version of every artifact with its citations and a manifest, as a ZIP",
  request: { params: ProjectParams },
  responses: {
    200: {
      description:
        "The same state is the same bytes. Cut off, it has no directory and opens nowhere",
      content: { "application/zip": zip },
    },
    ...problems(401, 404, 409, 422),
  },
});

export const exportRoutes = new OpenAPIHono<AppEnv>().openapi(read, async (c) => {
  const { projectId } = c.req.valid("param");
  await getProject({ id: projectId, ownerUserId: c.var.userId });
  const headers = {
    "content-type": "application/zip",
    // An id has letters, digits, dashes and underscores alone.
    "content-disposition": `attachment; filename="${projectId}.zip"`,
  };
  return await streamed(c, headers, () => exportProject(projectId));
});
