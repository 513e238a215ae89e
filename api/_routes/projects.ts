import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import {
  beginProjectDelete,
  createProject,
  getProject,
  listProjects,
  type Project as ProjectRow,
} from "#lib/data/projects.server.ts";
import { NotFound } from "#lib/errors.ts";
import { projectCreated, projectDeleted } from "#lib/events/catalogue/projects.ts";
import { event } from "#lib/events/emit.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  json,
  Name,
  PageQuery,
  ProjectParams,
  paged,
  pageOf,
  wake,
} from "./common.ts";
import { problems } from "./problem.ts";

const Project = z
  .object({
    id: z.string(),
    name: z.string(),
    slug: z.string(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi("Project");

const NewProject = z
  .strictObject({ name: Name, slug: projectCreated.schema.shape.slug })
  .openapi("NewProject");

const create = createRoute({
  ...forOwnersWithJson,
  method: "post",
  path: "/projects",
  summary: "Make a project of the caller's",
  request: { body: { required: true, content: json(NewProject) } },
  responses: {
    201: { description: "Made", content: json(Project) },
    ...problems(400, 401, 409, 413, 415, 422),
  },
});

const list = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects",
  summary: "The caller's projects, newest first",
  request: { query: PageQuery },
  responses: {
    200: { description: "A page", content: json(pageOf(Project)) },
    ...problems(401, 422),
  },
});

const read = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects/{projectId}",
  summary: "One project of the caller's",
  request: { params: ProjectParams },
  responses: {
    200: { description: "The project", content: json(Project) },
    ...problems(401, 404, 422),
  },
});

const remove = createRoute({
  ...forOwners,
  method: "delete",
  path: "/projects/{projectId}",
  summary: "Hide a project at once and remove all that belongs to it; can be repeated",
  request: { params: ProjectParams },
  responses: { 202: { description: "Being removed" }, ...problems(401, 404, 422, 503) },
});

export const projectRoutes = new OpenAPIHono<AppEnv>()
  .openapi(create, async (c) => {
    const { name, slug } = c.req.valid("json");
    const project = await createProject({ ownerUserId: c.var.userId, name, slug });
    c.header("location", `/api/projects/${project.id}`);
    return c.json(view(project), 201);
  })
  .openapi(list, async (c) => {
    const page = await listProjects({ ownerUserId: c.var.userId, ...c.req.valid("query") });
    return c.json(paged(page, view), 200);
  })
  .openapi(read, async (c) => {
    const { projectId: id } = c.req.valid("param");
    return c.json(view(await getProject({ id, ownerUserId: c.var.userId })), 200);
  })
  .openapi(remove, async (c) => {
    const { projectId } = c.req.valid("param");
    const { userId: ownerUserId, requestId } = c.var;
    // Not by getProject, which no longer shows it: a repeat must be able to send the event that was lost.
    if (!(await beginProjectDelete({ id: projectId, ownerUserId }))) {
      throw new NotFound("project_not_found", `There is no project ${projectId}.`);
    }
    await wake(event(projectDeleted, { projectId, by: ownerUserId }, requestId));
    return c.body(null, 202);
  });

function view({ id, name, slug, createdAt, updatedAt }: ProjectRow): z.infer<typeof Project> {
  return {
    id,
    name,
    slug,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
