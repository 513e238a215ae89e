import * as z from "zod";
import type { Effect } from "../data/effects.server.ts";
import { newestOn, variablesSetSince } from "../data/findings.server.ts";
import { findInfraResource, infraRemoved } from "../data/infra.server.ts";
import { readPull } from "../github/pulls.ts";
import { sourceOf } from "../provision/comment.ts";
import { providerOf } from "../provision/providers.ts";
import { RESOURCE_TYPES, type ResourceType, TYPES } from "../provision/types.ts";
import { listVariables } from "../vercel/environment.ts";
import { readProject } from "../vercel/projects.ts";

/**
 * What an effect and the outside no longer agree on, in a sentence; null when they agree; undefined when that cannot be told, since a
 * newer effect says how it is to be.
 */
type Check = (effect: Effect, signal: AbortSignal) => Promise<string | null | undefined>;

const pullParams = z.object({ owner: z.string(), repo: z.string(), number: z.number() });
const projectParams = z.object({ project: z.string(), owner: z.string(), repo: z.string() });
const servedParams = z.object({ project: z.string(), projectId: z.string() });
const environmentParams = z.object({
  project: z.string(),
  target: z.string(),
  variables: z.array(
    z.object({ name: z.string(), type: z.enum(RESOURCE_TYPES), resource: z.string() }),
  ),
});

/** Effects that say what production of a project at Vercel serves: the newest of them counts. */
const SERVING = ["vercel.promotion", "vercel.rollback"] as const;

const merged: Check = async ({ params, externalId }, signal) => {
  const { owner, repo, number } = pullParams.parse(params);
  const pull = await readPull({ owner, repo }, number, signal);
  if (!pull) return `The pull request ${number} of ${owner}/${repo} is not there any more.`;
  if (pull.merged && pull.mergeSha === externalId) return null;
  return `The pull request ${number} of ${owner}/${repo} is not merged as ${externalId}.`;
};

const projectThere: Check = async ({ params, externalId }, signal) => {
  const { project, owner, repo } = projectParams.parse(params);
  const at = await readProject(externalId ?? project, signal);
  if (!at) return `The project ${project} is not at Vercel any more.`;
  if (at.repository?.toLowerCase() !== `${owner}/${repo}`.toLowerCase()) {
    return `The project ${project} at Vercel builds ${at.repository ?? "no repository"} now.`;
  }
  return at.automatic ? `Production of ${project} serves each push by itself now.` : null;
};

const resourceThere =
  (type: ResourceType): Check =>
  async ({ projectId, externalId }, signal) => {
    const id = externalId ?? "";
    const { title, provider, resourceType } = TYPES[type];
    // What was removed with an approval is meant to be gone.
    if (await infraRemoved({ projectId, provider, resourceType, externalId: id })) return null;
    const there = await (await providerOf(type)).read(id, signal);
    return there ? null : `The ${title} ${id} is not there any more.`;
  };

const variablesThere: Check = async ({ id, projectId, params, externalId }, signal) => {
  const { project, target, variables } = environmentParams.parse(params);
  // What was set anew since is the newer effect's to answer for, and only that: each sets what its run lacked.
  const setSince = await variablesSetSince({ id, project });
  const there = await listVariables(externalId?.split("/")[0] ?? project, signal);
  const problems: string[] = [];
  let open = false;
  for (const { name, type, resource } of variables) {
    const { provider, resourceType } = TYPES[type];
    const row = await findInfraResource({ projectId, provider, resourceType, name: resource });
    // Its resource was removed with an approval: nobody has to set it any more.
    if (!row) continue;
    const now = there.find((one) => one.name === name && one.targets.includes(target));
    if (now && sourceOf(now.comment)) continue;
    if (setSince.has(name)) open = true;
    else problems.push(`${name} ${now ? "was set by somebody else" : "is not set any more"}`);
  }
  if (problems.length > 0) return `Variables of ${project}: ${problems.join(", ")}.`;
  return open ? undefined : null;
};

const served: Check = async ({ id, params, externalId }, signal) => {
  const { project, projectId: vercelProjectId } = servedParams.parse(params);
  const newest = await newestOn({ kinds: SERVING, project });
  const at = await readProject(vercelProjectId, signal);
  if (newest && newest.id !== id) {
    // It was replaced as was approved; or that is under way, or has drifted itself.
    const replaced = newest.externalId !== null && newest.externalId === at?.productionDeploymentId;
    return replaced ? null : undefined;
  }
  if (!at) return `The project ${project} is not at Vercel any more.`;
  const now = at.productionDeploymentId;
  if (now === externalId) return null;
  return `Production of ${project} serves ${now ?? "nothing"} and not ${externalId}.`;
};

/** What can be looked at, by the kind of effect. */
export const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["repo.merge", merged],
  ["vercel.project", projectThere],
  ...RESOURCE_TYPES.map((type): [string, Check] => [type, resourceThere(type)]),
  ["vercel.environment", variablesThere],
  ...SERVING.map((kind): [string, Check] => [kind, served]),
]);
