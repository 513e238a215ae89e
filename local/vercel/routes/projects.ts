import * as z from "zod";
import { freePort } from "../../free-port.ts";
import { projectBody } from "../bodies/project.ts";
import { notImplemented, Refusal } from "../http/errors.ts";
import {
  bodyOf,
  type Call,
  isSeen,
  limitOf,
  projectOf,
  type Route,
  route,
  seenFrom,
} from "../http/route.ts";
import { newVariable, VARIABLE_TARGET } from "./environment.ts";

const NAME = z
  .string()
  .regex(
    /^(?!.*---)[a-z0-9][a-z0-9._-]{0,99}$/,
    "may have lower-case letters, digits, '.', '_', '-'",
  );
const REPOSITORY = z.object({
  type: z.literal("github"),
  repo: z.string().regex(/^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}$/, "is owner/repo"),
});
const newProject = z.strictObject({
  name: NAME,
  gitRepository: REPOSITORY.optional(),
  environmentVariables: z
    .array(newVariable.omit({ comment: true }).extend({ target: VARIABLE_TARGET }))
    .max(100)
    .default([]),
  // Accepted, and of no effect here.
  framework: z.string().nullish(),
});
const changes = z.strictObject({
  name: NAME.optional(),
  autoAssignCustomDomains: z.boolean().optional(),
});

export const projects: Route[] = [
  route("POST /v11/projects", async (call) => {
    const { service } = call;
    const body = await bodyOf(call, newProject);
    const [org = null, repo = null] = body.gitRepository?.repo.split("/") ?? [];
    const port = await freePort();
    const project = service.db.transaction(() => {
      const made = service.projects.create({
        ...{ name: body.name, org, repo, port, seen_from: seenFrom(call) },
      });
      if (!made) throw taken();
      for (const variable of body.environmentVariables) {
        service.variables.put(made.id, { ...variable, comment: null }, true);
      }
      return made;
    });
    const opened = await service.openProject(project.id, port);
    if (opened !== port) service.projects.update(project.id, { port: opened });
    return { data: projectBody(service, { ...project, port: opened }) };
  }),

  route("GET /v9/projects/{idOrName}", async (call) => ({
    data: projectBody(call.service, projectOf(call)),
  })),

  route("GET /v10/projects", async (call) => {
    const { service, query } = call;
    const limit = limitOf(call);
    const search = query.get("search") ?? "";
    const from = Number(query.get("from") ?? 0);
    const all = service.projects.all().filter((one) => isSeen(one) && one.name.includes(search));
    const page = all.slice(from, from + limit);
    const next = from + limit < all.length ? String(from + limit) : null;
    return {
      data: {
        projects: page.map((project) => projectBody(service, project)),
        pagination: { count: page.length, next, prev: null },
      },
    };
  }),

  route("PATCH /v9/projects/{idOrName}", async (call) => {
    const { service } = call;
    const { id } = projectOf(call);
    const { name, autoAssignCustomDomains } = await bodyOf(call, changes);
    const other = name === undefined ? undefined : service.projects.find(name);
    if (other && other.id !== id) throw taken();
    service.projects.update(id, {
      ...(name !== undefined && { name }),
      ...(autoAssignCustomDomains !== undefined && {
        auto_assign: Number(autoAssignCustomDomains),
      }),
    });
    return changed(call, id);
  }),

  route("DELETE /v9/projects/{idOrName}", async (call) => {
    await call.service.removeProject(projectOf(call));
    return { status: 204 };
  }),

  route("POST /v9/projects/{idOrName}/link", async (call) => {
    const { id } = projectOf(call);
    const [org = null, repo = null] = (await bodyOf(call, REPOSITORY)).repo.split("/");
    call.service.projects.update(id, { org, repo });
    return changed(call, id);
  }),

  route("DELETE /v9/projects/{idOrName}/link", async (call) => {
    const { id } = projectOf(call);
    call.service.projects.update(id, { org: null, repo: null });
    return changed(call, id);
  }),
];

function changed({ service }: Call, id: string) {
  const project = service.projects.find(id);
  if (!project) throw notImplemented("a project that is removed while it is changed");
  return { data: projectBody(service, project) };
}

const taken = () => new Refusal(409, "conflict", "A project with the same name already exists.");
