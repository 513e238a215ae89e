import type { Service } from "../service.ts";
import { hostOf } from "../sites.ts";
import type { ProjectRow } from "../store/projects.ts";
import { ownerOf } from "./account.ts";
import { REPO_ID, summaryOf } from "./deployment.ts";

/** `GET /v9/projects/{idOrName}` */
export function projectBody(service: Service, project: ProjectRow) {
  const { id, name, production_id } = project;
  const live = production_id === null ? undefined : service.deployments.find(production_id);
  const deployment = live ? summaryOf(service, project, live) : null;
  return {
    ...{ id, name, accountId: ownerOf(service), framework: null, nodeVersion: "24.x" },
    ...{ createdAt: project.created_at, updatedAt: project.updated_at, live: false },
    autoAssignCustomDomains: project.auto_assign === 1,
    alias: [
      {
        ...{ domain: hostOf(project.port), target: "PRODUCTION", environment: "production" },
        ...{ createdAt: project.created_at, configuredBy: null, redirect: null, deployment },
      },
    ],
    targets: deployment ? { production: deployment } : {},
    lastAliasRequest: project.alias_request && JSON.parse(project.alias_request),
    ...linkOf(project),
    ...{ directoryListing: false, deploymentExpiration: {} },
    ...{ serverlessFunctionRegion: "local", resourceConfig: { functionDefaultRegions: ["local"] } },
    defaultResourceConfig: { functionDefaultRegions: ["local"] },
  };
}

function linkOf({ org, repo, created_at, updated_at }: ProjectRow) {
  if (org === null || repo === null) return {};
  return {
    link: {
      ...{ type: "github", org, repo, repoId: REPO_ID, productionBranch: "main" },
      ...{ gitCredentialId: "cred_local", deployHooks: [], sourceless: true },
      ...{ createdAt: created_at, updatedAt: updated_at },
    },
  };
}
