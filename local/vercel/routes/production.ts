import { aliasesOf } from "../bodies/deployment.ts";
import { notFound, Refusal } from "../http/errors.ts";
import { type Call, projectOf, type Route, route } from "../http/route.ts";
import { hostOf } from "../sites.ts";
import type { DeploymentRow } from "../store/deployments.ts";
import type { AliasRequest, ProjectRow } from "../store/projects.ts";
import { deploymentOf } from "./deployments.ts";

export const production: Route[] = [
  route("POST /v10/projects/{projectId}/promote/{deploymentId}", async (call) => {
    const { project, deployment } = switched(call);
    call.service.wish(project, deployment.id, "promote");
    return { status: 201 };
  }),

  route("POST /v1/projects/{projectId}/rollback/{deploymentId}", async (call) => {
    const { project, deployment } = switched(call);
    if (deployment.promoted !== 1) {
      throw new Refusal(422, "not_rollbackable", "Production has never served that deployment.");
    }
    call.service.wish(project, deployment.id, "rollback");
    return { status: 201 };
  }),

  route("GET /v1/projects/{projectId}/promote/aliases", async (call) => {
    const project = projectOf(call, "projectId");
    const wish: AliasRequest | null = project.alias_request && JSON.parse(project.alias_request);
    const status = wish?.jobStatus === "pending" ? "pending" : "completed";
    const aliases = wish ? [{ id: `als_${project.id}`, alias: hostOf(project.port), status }] : [];
    return { data: { aliases, pagination: { count: aliases.length, next: null, prev: null } } };
  }),

  route("GET /v2/deployments/{id}/aliases", async (call) => {
    const row = deploymentOf(call, "id");
    const project = call.service.projects.find(row.project_id);
    const created = new Date(row.created_at).toISOString();
    const aliases = (project ? aliasesOf(project, row) : []).map((alias) => ({
      ...{ uid: `als_${row.project_id}`, alias, created, redirect: null },
    }));
    return { data: { aliases } };
  }),
];

/** The two of the route, of which the deployment can be served in production. Throws 404, 409. */
function switched(call: Call): { project: ProjectRow; deployment: DeploymentRow } {
  const project = projectOf(call, "projectId");
  const deployment = deploymentOf(call, "deploymentId");
  if (deployment.project_id !== project.id) throw notFound("Deployment");
  if (deployment.state !== "READY" || deployment.target !== "production") {
    const what = "Only a deployment that is built for production and ready can be served there.";
    throw new Refusal(409, "conflict", what);
  }
  return { project, deployment };
}
