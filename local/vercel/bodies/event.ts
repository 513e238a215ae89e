import type { Service } from "../service.ts";
import { hostOf } from "../sites.ts";
import type { DeploymentRow } from "../store/deployments.ts";
import type { ProjectRow } from "../store/projects.ts";
import { USER } from "./account.ts";
import { aliasesOf, metaOf } from "./deployment.ts";

/** The payload of a webhook about a deployment. https://vercel.com/docs/webhooks/webhooks-api */
export function deploymentEvent(service: Service, project: ProjectRow, row: DeploymentRow) {
  const { teamId } = service.options;
  const { id, target } = row;
  return {
    user: { id: USER.id },
    team: teamId === undefined ? null : { id: teamId },
    deployment: {
      ...{ id, meta: metaOf(row), name: project.name, url: hostOf(row.port) },
      ...{ alias: aliasesOf(project, row), inspectorUrl: `${service.origin}/_inspect/${id}` },
    },
    links: {
      deployment: `${service.origin}/_inspect/${id}`,
      project: `${service.origin}/_inspect/${project.id}`,
    },
    project: { id: project.id },
    ...{ target, plan: "hobby", regions: ["local"] },
  };
}
