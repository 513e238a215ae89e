import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { getProject } from "#lib/data/projects.server.ts";
import { deleteSkill } from "#lib/data/skills.server.ts";
import { NotFound } from "#lib/errors.ts";
import { saveSkill } from "#lib/model/put-skill.ts";
import { SKILL_LIMITS, skillName } from "#lib/model/skill-file.ts";
import { allSkills } from "#lib/model/skills.ts";
import {
  type AppEnv,
  forOwners,
  forOwnersWithJson,
  instant,
  json,
  ProjectParams,
  shown,
} from "./common.ts";
import { problems } from "./problem.ts";

const Skill = z
  .object({
    name: z.string(),
    description: z.string(),
    origin: z.enum(["bundled", "project"]).describe("Bundled ones are there in every project"),
    overrides: z.boolean().describe("It takes the place of a bundled one of the same name"),
    updatedAt: instant.nullable().describe("Null for a bundled one"),
  })
  .openapi("Skill");

const NewSkill = z
  .strictObject({
    content: z.string().max(SKILL_LIMITS.content).describe("The whole SKILL.md"),
    description: z.string().optional().describe("When the frontmatter has none"),
  })
  .openapi("NewSkill");

const Saved = z
  .object({ name: z.string(), description: z.string(), updatedAt: instant })
  .openapi("SavedSkill");

const params = ProjectParams.extend({
  name: z
    .string()
    .min(1)
    .max(200)
    .describe("In any case: `Threat-Modelling` is `threat-modelling`"),
});

const list = createRoute({
  ...forOwners,
  method: "get",
  path: "/projects/{projectId}/skills",
  summary: "The skills of a project: its own, then the bundled ones that it does not override",
  request: { params: ProjectParams },
  responses: {
    200: { description: "All of them", content: json(z.object({ items: z.array(Skill) })) },
    ...problems(401, 404, 422),
  },
});

const put = createRoute({
  ...forOwnersWithJson,
  method: "put",
  path: "/projects/{projectId}/skills/{name}",
  summary: "Put a skill into a project, in the place of the one that had its name",
  request: { params, body: { required: true, content: json(NewSkill) } },
  responses: {
    200: { description: "As it is now", content: json(Saved) },
    ...problems(400, 401, 404, 409, 413, 415, 422),
  },
});

const remove = createRoute({
  ...forOwners,
  method: "delete",
  path: "/projects/{projectId}/skills/{name}",
  summary: "Remove a skill of a project's own; a bundled one of that name is there again",
  request: { params },
  responses: { 204: { description: "Removed" }, ...problems(401, 404, 422) },
});

export const skillRoutes = new OpenAPIHono<AppEnv>()
  .openapi(list, async (c) => {
    const { projectId } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const skills = await allSkills(projectId);
    return c.json({ items: skills.map((skill) => shown(Skill, skill)) }, 200);
  })
  .openapi(put, async (c) => {
    const { projectId, name } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    const skill = await saveSkill({ projectId, name, ...c.req.valid("json") });
    return c.json(shown(Saved, skill), 200);
  })
  .openapi(remove, async (c) => {
    const { projectId, name } = c.req.valid("param");
    await getProject({ id: projectId, ownerUserId: c.var.userId });
    if (!(await deleteSkill({ projectId, name: skillName(name) }))) {
      throw new NotFound("skill_not_found", `The project has no skill ${name} of its own.`);
    }
    return c.body(null, 204);
  });
