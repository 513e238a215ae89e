import * as z from "zod";
import { freePort } from "../../free-port.ts";
import { deploymentBody, listedDeployment } from "../bodies/deployment.ts";
import { badRequest, notFound, notImplemented } from "../http/errors.ts";
import {
  bodyOf,
  type Call,
  isSeen,
  limitOf,
  param,
  type Route,
  route,
  seenFrom,
} from "../http/route.ts";
import type { Service } from "../service.ts";
import { hostOf } from "../sites.ts";
import type { DeploymentRow } from "../store/deployments.ts";

const newDeployment = z.object({
  name: z.string().min(1).max(100),
  project: z.string().max(100).optional(),
  target: z.literal("production").optional(),
  gitSource: z.object({
    type: z.literal("github"),
    org: z.string().regex(/^[A-Za-z0-9-]{1,39}$/),
    repo: z.string().regex(/^[A-Za-z0-9._-]{1,100}$/),
    ref: z.string().min(1).max(255),
    sha: z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/, "is a whole commit id here"),
  }),
  meta: z.record(z.string().max(100), z.string().max(65_536)).default({}),
  autoAssignCustomDomains: z.boolean().optional(),
});

export const deployments: Route[] = [
  route("POST /v13/deployments", async (call) => {
    const { service, query } = call;
    const body = await bodyOf(call, newDeployment);
    const project = service.projects.find(body.project ?? body.name);
    if (!project) throw notFound("Project");
    const { target = null, meta, gitSource } = body;
    const { type: _, ...source } = gitSource;
    if (query.get("forceNew") !== "1") {
      const same = service.deployments
        .all(project.id)
        .find((one) => one.sha === source.sha && one.target === target && one.state !== "ERROR");
      if (same) return { data: deploymentBody(service, project, same) };
    }
    const auto_assign = body.autoAssignCustomDomains ?? project.auto_assign === 1;
    const port = await freePort();
    const row = service.db.transaction(() => {
      const made = service.deployments.create({
        ...{ project_id: project.id, target, meta, port, auto_assign, ...source },
        seen_from: seenFrom(call),
      });
      service.tell("deployment.created", made.id);
      return made;
    });
    const opened = await service.openDeployment(row.id, port);
    if (opened !== port) service.deployments.setPort(row.id, opened);
    service.onDelivery();
    service.builder.wake();
    return { data: deploymentBody(service, project, { ...row, port: opened }) };
  }),

  route("GET /v13/deployments/{idOrUrl}", async (call) => bodyFor(call, deploymentOf(call))),

  route("GET /v7/deployments", async (call) => {
    const { service } = call;
    const limit = limitOf(call);
    const found = matching(call);
    const page = found.slice(0, limit);
    const listed = page.flatMap((row) => {
      const project = service.projects.find(row.project_id);
      return project ? [listedDeployment(service, project, row)] : [];
    });
    const next = found.length > limit ? (page.at(-1)?.created_at ?? null) : null;
    return {
      data: {
        deployments: listed,
        pagination: { count: listed.length, next, prev: page[0]?.created_at ?? null },
      },
    };
  }),

  route("PATCH /v12/deployments/{id}/cancel", async (call) => {
    const { service } = call;
    const { id } = deploymentOf(call, "id");
    const canceled = service.db.transaction(() => {
      const moved = service.deployments.move(id, ["QUEUED", "BUILDING"], "CANCELED");
      if (moved) service.tell("deployment.canceled", id);
      return moved;
    });
    if (!canceled) throw badRequest("The deployment has ended and cannot be canceled.");
    await service.builder.end(id);
    service.onDelivery();
    return bodyFor(call, deploymentOf(call, "id"));
  }),

  route("DELETE /v13/deployments/{id}", async (call) => {
    const { service } = call;
    const { id, project_id } = deploymentOf(call, "id");
    await service.removeDeployment(id);
    const project = service.projects.find(project_id);
    if (project?.production_id === id) service.projects.update(project_id, { production_id: null });
    return { data: { uid: id, state: "DELETED" } };
  }),

  route("GET /v3/deployments/{idOrUrl}/events", async (call) => {
    const { service, query } = call;
    if (query.get("follow") === "1") throw notImplemented("following a build's events");
    const { id } = deploymentOf(call);
    const limit = Number(query.get("limit") ?? -1);
    const all = service.deployments.events(id);
    if (query.get("direction") === "backward") all.reverse();
    return {
      data: all
        .slice(0, limit < 0 ? undefined : limit)
        .map(({ created, text, type, id: serial }) => ({
          ...{
            created,
            date: created,
            deploymentId: id,
            id: String(serial),
            serial: String(serial),
          },
          ...{ type, text, info: { type: "build", name: "bld_local" } },
        })),
    };
  }),
];

/** What a list's query may say here; Vercel knows more, and a filter that is not heeded would show too much. */
const FILTERS = [
  ...["teamId", "limit", "projectId", "sha", "branch", "target", "state"],
  ...["since", "until", "from", "to"],
];

/** What a list's query asks for, newest first. `meta-NAME=VALUE` is matched against the metadata. Throws 501 for other filters. */
function matching({ service, query }: Call): DeploymentRow[] {
  const unknown = [...query.keys()].find(
    (name) => !FILTERS.includes(name) && !name.startsWith("meta-"),
  );
  if (unknown !== undefined) throw notImplemented(`the filter \`${unknown}\` of deployments`);
  const is = (name: string, value: string | null) =>
    query.get(name) === null || query.get(name) === value;
  const until = Number(query.get("until") ?? query.get("to") ?? Number.POSITIVE_INFINITY);
  const since = Number(query.get("since") ?? query.get("from") ?? 0);
  const states = query.get("state")?.toUpperCase().split(",");
  const meta = [...query].filter(([name]) => name.startsWith("meta-"));
  const project = query.get("projectId");
  const id = project === null ? null : (service.projects.find(project)?.id ?? "none");
  return service.deployments
    .all(id)
    .filter(
      (one) =>
        isSeen(one) &&
        is("sha", one.sha) &&
        is("branch", one.ref) &&
        is("target", one.target ?? "preview") &&
        one.created_at < until &&
        one.created_at >= since &&
        (states?.includes(one.state) ?? true) &&
        meta.every(([name, value]) => one.meta[name.slice("meta-".length)] === value),
    );
}

/** The deployment of the route, by id or host name. Throws 404. */
export function deploymentOf(call: Call, name = "idOrUrl"): DeploymentRow {
  const { service } = call;
  const asked = param(call, name);
  const row =
    service.deployments.find(asked) ??
    service.deployments.all(null).find(({ port }) => hostOf(port) === asked);
  if (!row || !isSeen(row)) throw notFound("Deployment");
  return row;
}

function bodyFor({ service }: { service: Service }, row: DeploymentRow) {
  const project = service.projects.find(row.project_id);
  if (!project) throw notFound("Project");
  return { data: deploymentBody(service, project, row) };
}
