import * as z from "zod";
import { effectsOfRun } from "../../data/effect-lists.server.ts";
import { putInfraResource } from "../../data/infra.server.ts";
import { InvalidInput, NotFound, Unavailable } from "../../errors.ts";
import { commentOf, sourceOf } from "../../provision/comment.ts";
import { variableName } from "../../provision/input.ts";
import { providerOf } from "../../provision/providers.ts";
import { newestOf, stepOfResource } from "../../provision/steps.ts";
import { PARTS, RESOURCE_TYPES, TYPES } from "../../provision/types.ts";
import { listVariables, putVariables } from "../../vercel/environment.ts";
import { type ProjectFacts, readProject } from "../../vercel/projects.ts";
import { type EffectDefinition, EffectMoved, EffectRefused } from "../definition.ts";
import { providerError, timeoutMs } from "./provider.ts";

const variable = z.strictObject({
  name: variableName,
  type: z.enum(RESOURCE_TYPES),
  part: z.enum(PARTS),
  /** What the project calls the resource. */
  resource: z.string(),
  /** Which one it is; null for one that the same plan makes. */
  externalId: z.string().nullable(),
  mode: z.enum(["automated", "assisted"]),
  /** Whether it has another value now, which is then lost. */
  replaces: z.boolean(),
});

const params = z.strictObject({
  /** Whose plan makes the resources that have no id yet. */
  runId: z.string(),
  project: z.string().min(1).max(100),
  /** `owner/repo`, which the project has to build: another project of that name gets nothing. */
  repository: z.string(),
  target: z.literal("production"),
  variables: z.array(variable).min(1).max(40),
});
type Environment = z.infer<typeof params>;
type Variable = Environment["variables"][number];

/** Variables of a project at Vercel, filled from resources. Values go from provider to Vercel inside one call of this. */
export const vercelEnvironment: EffectDefinition<Environment> = {
  kind: "vercel.environment",
  scope: "infra.provision",
  params,
  // Writing the same values again leaves what one writing leaves.
  reads: "consistent",
  timeoutMs,
  intent: ({ project, repository, target, variables }) => ({
    provider: "vercel",
    ...{ project, repository, target },
    variables: variables.map(({ name, type, part, resource, externalId, replaces }) => ({
      ...{ name, type, part, resource, externalId, replaces },
    })),
  }),
  summary: ({ project, target, variables }) => {
    const names = variables.map(({ name, replaces }) => (replaces ? `${name} (replaced)` : name));
    return `Set ${names.join(", ")} for ${target} in the Vercel project "${project}".`;
  },

  async find({ marker, params: { project, target, variables }, signal }) {
    const at = await readProject(project, signal);
    if (!at) return null;
    const there = await listVariables(at.id, signal);
    const ours = variables.every(({ name }) =>
      there.some(
        (one) =>
          one.name === name &&
          one.targets.includes(target) &&
          sourceOf(one.comment)?.marker === marker,
      ),
    );
    return ours ? { id: `${at.id}/${target}` } : null;
  },

  async perform({ marker, params, signal }) {
    const { runId, project, target, variables } = params;
    try {
      const at = await readProject(project, signal);
      if (!at) throw new EffectRefused("project_gone", `Vercel has no project ${project}.`);
      await requireAsApproved(at, params, marker, signal);
      const made = await idsMadeBy(runId);
      const filled = await Promise.all(
        variables.map(async (one) => {
          const externalId = one.externalId ?? made(one.resource);
          const value = await filledFrom(one, externalId, signal);
          const { name, type, part } = one;
          return { name, value, comment: commentOf({ marker, type, externalId, part }) };
        }),
      );
      await putVariables(at.id, { target, variables: filled }, signal);
      return { id: `${at.id}/${target}` };
    } catch (error) {
      // Vercel will not take one of them: nobody else would be told until all tries are used up.
      const refused = error instanceof InvalidInput && error.code === "vercel_variables";
      throw refused ? new EffectRefused(error.code, error.message) : providerError(error);
    }
  },

  async record({ projectId, runId, params: { variables }, id: effectId }, tx) {
    for (const { type, resource, externalId, mode } of variables) {
      // What was made by us is noted by its own effect.
      if (mode !== "assisted" || externalId === null) continue;
      const { provider, resourceType } = TYPES[type];
      const metadata = { name: resource, mode, effectId };
      const row = { projectId, runId, provider, resourceType, externalId, region: null, metadata };
      await putInfraResource(row, tx);
    }
  },
};

/** Throws EffectMoved when the project builds something else by now, or a value would be lost that nobody has approved losing. */
async function requireAsApproved(
  at: ProjectFacts,
  { project, repository, target, variables }: Environment,
  marker: string,
  signal: AbortSignal,
): Promise<void> {
  if (at.repository?.toLowerCase() !== repository.toLowerCase()) {
    const what = `The project ${project} builds ${at.repository ?? "no repository"} now.`;
    throw new EffectMoved("project_moved", what);
  }
  const there = await listVariables(at.id, signal);
  const lost = variables.filter(
    ({ name, replaces }) =>
      !replaces &&
      there.some(
        (one) =>
          one.name === name &&
          one.targets.includes(target) &&
          sourceOf(one.comment)?.marker !== marker,
      ),
  );
  if (lost.length === 0) return;
  const names = lost.map(({ name }) => name).join(", ");
  const what = `${names} of ${project} was set by somebody meanwhile, and its value would be lost.`;
  throw new EffectMoved("environment_moved", what);
}

/** The ids of what a run has made, by the names that the project has for it. */
async function idsMadeBy(runId: string): Promise<(resource: string) => string> {
  const effects = await effectsOfRun({ runId });
  return (resource) => {
    const made = newestOf(stepOfResource(resource), effects);
    if (made?.externalId) return made.externalId;
    throw new Unavailable("resource_not_made", `The resource ${resource} has not been made.`);
  };
}

async function filledFrom(
  { name, type, part, resource, externalId: known }: Variable,
  externalId: string,
  signal: AbortSignal,
): Promise<string> {
  const ours = known === null;
  try {
    const value = (await (await providerOf(type)).values(externalId, signal))[part];
    if (value !== undefined) return value;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    // This plan has made it: a read that does not show it came late.
    if (ours) throw new Unavailable("resource_not_seen", `${resource} is not seen yet.`, {}, error);
  }
  const what = `The ${TYPES[type].title} "${resource}" (${externalId}) has nothing for ${name}.`;
  throw new EffectRefused("resource_gone", what);
}
