import { fenced, inline, list, paragraphs } from "../markdown.ts";
import { type DeployInput, type ResourceInput, wantedOf } from "./input.ts";
import { TYPES } from "./types.ts";

/** Whether people have to do something before a deployment. */
export function asksPeople({ resources, variables }: DeployInput): boolean {
  return variables.length > 0 || resources.some(({ mode }) => mode === "manual");
}

/** All that people have to do before a deployment, with what to send when it is done. The same input is the same text. */
export function instructionsText(
  deploy: DeployInput,
  ids: { projectId: string; runId: string },
): string {
  const manual = deploy.resources.filter(({ mode }) => mode === "manual");
  const inVercel = `the project "${inline(deploy.project)}" at Vercel, Settings, Environment Variables`;
  return paragraphs(
    "# To be done by hand before the deployment",
    "The run waits until all of this is there, and goes on by itself.",
    ...manual.map((one) => resourceText(one, { ...ids, inVercel })),
    deploy.variables.length > 0 ? "## Variables" : "",
    deploy.variables.length > 0
      ? `Set these in ${inVercel}, for Production. Values are seen by Vercel alone.`
      : "",
    list(deploy.variables.map((name) => `\`${name}\``)),
  );
}

function resourceText(
  resource: ResourceInput,
  { projectId, runId, inVercel }: { projectId: string; runId: string; inVercel: string },
): string {
  const { name, type, region } = resource;
  const { title, console: where, provider, resourceType, region: usual } = TYPES[type];
  const data = { projectId, runId, resourceId: name, provider, resourceType };
  const event = {
    name: "infra.provisioned",
    data: { ...data, externalId: "<its id at the provider>" },
  };
  const variables = wantedOf(resource).map(
    ({ variable, part }) => `\`${variable}\` to its ${part}`,
  );
  return [
    `## ${inline(name)}: ${title}`,
    `1. Create it at ${where}, in ${region ?? usual}.`,
    `2. In ${inVercel}, for Production, set ${variables.join(" and ")}.`,
    "3. Say so, by sending this event:",
    fenced(JSON.stringify(event, null, 2), "json"),
  ].join("\n\n");
}
