import type { Service } from "../service.ts";
import { hostOf } from "../sites.ts";
import type { DeploymentRow } from "../store/deployments.ts";
import type { ProjectRow } from "../store/projects.ts";
import { ownerOf, USER } from "./account.ts";

/** GitHub's number of a repository, which nothing here looks at. */
export const REPO_ID = 1;

/** Metadata as Vercel completes it for a commit of GitHub's. */
export function metaOf({ meta, org, repo, ref, sha }: DeploymentRow): Record<string, string> {
  return {
    ...meta,
    ...{ githubDeployment: "1", githubOrg: org, githubRepo: repo },
    ...{ githubCommitOrg: org, githubCommitRepo: repo, githubCommitRef: ref, githubCommitSha: sha },
  };
}

/** STAGED was built for production and never served there. */
export function substateOf({ state, target, promoted }: DeploymentRow) {
  if (state !== "READY" || target !== "production") return {};
  return { readySubstate: promoted === 1 ? "PROMOTED" : "STAGED" };
}

/** The host names under which it is served besides its own. */
export function aliasesOf(project: ProjectRow, { id }: Pick<DeploymentRow, "id">): string[] {
  return project.production_id === id ? [hostOf(project.port)] : [];
}

function errorOf({ error_code, error_message }: DeploymentRow) {
  if (error_code === null) return {};
  return { errorCode: error_code, errorMessage: error_message, errorStep: "buildStep" };
}

/** `GET /v13/deployments/{id}` */
export function deploymentBody(service: Service, project: ProjectRow, row: DeploymentRow) {
  const { id, state, org, repo, ref, sha, target } = row;
  const alias = aliasesOf(project, row);
  return {
    ...{ id, name: project.name, url: hostOf(row.port), type: "LAMBDAS", version: 2, target },
    ...{ status: state, readyState: state, ...substateOf(row), ...errorOf(row) },
    ...{ alias, aliasAssigned: alias.length > 0, aliasError: null, automaticAliases: [] },
    autoAssignCustomDomains: row.auto_assign === 1,
    ...{ createdAt: row.created_at, bootedAt: row.created_at, createdIn: "local" },
    buildingAt: row.building_at ?? row.created_at,
    ...(row.ready_at !== null && state === "READY" && { ready: row.ready_at }),
    ...(row.ready_at !== null && state === "CANCELED" && { canceledAt: row.ready_at }),
    ...{ build: { env: [] }, env: [], buildSkipped: false, public: false, regions: ["local"] },
    ...{ isInConcurrentBuildsQueue: false, isInSystemBuildsQueue: false, routes: null },
    ...{ plan: "hobby", ownerId: ownerOf(service), inspectorUrl: inspectorOf(service, id) },
    creator: { uid: USER.id, username: USER.username },
    meta: metaOf(row),
    gitSource: { type: "github", repoId: REPO_ID, org, repo, ref, sha, prId: null },
    projectId: project.id,
    project: { id: project.id, name: project.name, framework: null },
    projectSettings: {},
  };
}

/** An entry of `GET /v7/deployments`. */
export function listedDeployment(service: Service, project: ProjectRow, row: DeploymentRow) {
  const { id, state, target } = row;
  return {
    ...{ uid: id, name: project.name, projectId: project.id, url: hostOf(row.port), target },
    ...{ type: "LAMBDAS", state, readyState: state, ...substateOf(row), ...errorOf(row) },
    ...{ created: row.created_at, createdAt: row.created_at, source: "api-trigger-git-deploy" },
    ...(row.building_at !== null && { buildingAt: row.building_at }),
    ...(row.ready_at !== null && { ready: row.ready_at }),
    ...{ aliasAssigned: aliasesOf(project, row).length > 0, aliasError: null },
    creator: { uid: USER.id, username: USER.username, email: USER.email },
    inspectorUrl: inspectorOf(service, id),
    meta: metaOf(row),
  };
}

/** What a project's body says of a deployment. */
export function summaryOf(service: Service, project: ProjectRow, row: DeploymentRow) {
  return {
    ...{ id: row.id, name: project.name, url: hostOf(row.port), type: "LAMBDAS" },
    ...{ deploymentHostname: hostOf(row.port), plan: "hobby", private: false, createdIn: "local" },
    ...{ readyState: row.state, ...substateOf(row), target: row.target },
    ...{ alias: aliasesOf(project, row), createdAt: row.created_at, meta: metaOf(row) },
    ...{ userId: USER.id, teamId: service.options.teamId ?? null },
    creator: { uid: USER.id, username: USER.username, email: USER.email },
  };
}

function inspectorOf({ origin }: Service, id: string): string {
  return `${origin}/_inspect/${id}`;
}
