import { effectsOfRun, isUnfinished } from "../data/effect-lists.server.ts";
import type { Effect } from "../data/effects.server.ts";
import { findInfraResource } from "../data/infra.server.ts";
import { InvalidInput } from "../errors.ts";
import { listVariables, type Variable } from "../vercel/environment.ts";
import { type ProjectFacts, readProject } from "../vercel/projects.ts";
import { sourceOf } from "./comment.ts";
import { type DeployInput, type ResourceInput, type Wanted, wantedOf } from "./input.ts";
import { providerOf } from "./providers.ts";
import { newestOf, stepOfResource } from "./steps.ts";
import { type ResourceType, TYPES } from "./types.ts";

/** What is to become of a variable at Vercel; `keep`: it comes from this resource already. `person`: somebody has to set it. */
export interface DecidedVariable extends Wanted {
  readonly action: "set" | "replace" | "keep" | "person";
}

/** What is to become of a resource. */
export interface DecidedResource {
  readonly name: string;
  readonly type: ResourceType;
  readonly mode: ResourceInput["mode"];
  readonly region: string;
  readonly action: "create" | "reuse" | "person";
  /** Its id at the provider; null while it has none. */
  readonly externalId: string | null;
  /** Whether this run makes it or has made it. */
  readonly ours: boolean;
  readonly variables: readonly DecidedVariable[];
}

/** What a target app has and lacks, as the outside shows it now. */
export interface DecidedInfra {
  readonly project: { readonly name: string; readonly action: "create" | "reuse" };
  readonly resources: readonly DecidedResource[];
  /** Variables that people set by themselves, and whether they are there. */
  readonly variables: readonly { readonly variable: string; readonly there: boolean }[];
}

/** Which app a decision is about. */
export interface Target {
  readonly projectId: string;
  readonly runId: string;
  /** `owner/repo`. */
  readonly repository: string;
  readonly deploy: DeployInput;
}

/**
 * Looks what is there, and decides what is made, taken up and set. Throws InvalidInput (`vercel_project_other`) for a project at
 * Vercel that builds another repository, (`vercel_project_automatic`) for one that serves each push; what the providers' rooms throw.
 */
export async function decideInfra(target: Target, signal: AbortSignal): Promise<DecidedInfra> {
  const { deploy, runId } = target;
  const at = await readProject(deploy.project, signal);
  if (at) await requireProject(at, target);
  const there = at ? await listVariables(at.id, signal) : [];
  const production = new Map(
    there.filter(({ targets }) => targets.includes("production")).map((one) => [one.name, one]),
  );
  const effects = await effectsOfRun({ runId });
  return {
    project: { name: deploy.project, action: at ? "reuse" : "create" },
    resources: await Promise.all(
      deploy.resources.map(async (wanted) => {
        const found = await decideResource(wanted, { target, effects, signal });
        return { ...found, variables: decideVariables(wanted, found, production) };
      }),
    ),
    variables: deploy.variables.map((variable) => ({
      variable,
      there: production.has(variable),
    })),
  };
}

/**
 * Throws InvalidInput for a project that builds another repository (`vercel_project_other`), or whose production serves each push by
 * itself, past any approval (`vercel_project_automatic`). One that is half made is finished by its effect; once that is over, its
 * marker excuses nothing: somebody has turned it on again, or nobody will turn it off.
 */
export async function requireProject(
  { repository, automatic, name, marker }: ProjectFacts,
  { repository: wanted }: Pick<Target, "repository">,
): Promise<void> {
  if (repository?.toLowerCase() !== wanted.toLowerCase()) {
    const what = `The project ${name} at Vercel builds ${repository ?? "no repository"} and not ${wanted}.`;
    throw new InvalidInput("vercel_project_other", what);
  }
  if (!automatic) return;
  if (marker !== null && (await isUnfinished({ kind: "vercel.project", marker }))) return;
  const what = `Production of ${name} at Vercel serves each push by itself, without an approval.`;
  throw new InvalidInput("vercel_project_automatic", what);
}

/** For how long what was just made may not be seen. */
const UNSEEN_MS = 5 * 60_000;

type Found = Omit<DecidedResource, "variables">;

async function decideResource(
  { name, type, mode, region, externalId }: ResourceInput,
  about: { target: Target; effects: readonly Effect[]; signal: AbortSignal },
): Promise<Found> {
  const { target, effects, signal } = about;
  const { provider, resourceType, region: usual } = TYPES[type];
  const found = { name, type, mode, region: region ?? usual };
  if (mode === "assisted") {
    return { ...found, action: "reuse", externalId: externalId ?? null, ours: false };
  }
  const { projectId } = target;
  const row = await findInfraResource({ projectId, provider, resourceType, name });
  if (mode === "manual") {
    return { ...found, action: "person", externalId: row?.externalId ?? null, ours: false };
  }
  const effect = newestOf(stepOfResource(name), effects);
  const made = effect?.externalId;
  if (made && Date.now() - (effect.confirmedAt?.getTime() ?? 0) < UNSEEN_MS) {
    return { ...found, action: "reuse", externalId: made, ours: true };
  }
  const which = made ?? row?.externalId;
  const known = which && (await (await providerOf(type)).read(which, signal));
  if (known) return { ...found, action: "reuse", externalId: known.id, ours: known.id === made };
  return { ...found, action: "create", externalId: null, ours: true };
}

function decideVariables(
  wanted: ResourceInput,
  { type, action, externalId }: Found,
  production: ReadonlyMap<string, Variable>,
): DecidedVariable[] {
  return wantedOf(wanted).map(({ variable, part }) => {
    const now = production.get(variable);
    if (action === "person") return { variable, part, action: now ? "keep" : "person" };
    const from = sourceOf(now?.comment ?? null);
    const same = from?.type === type && from.part === part && from.externalId === externalId;
    return { variable, part, action: same ? "keep" : now ? "replace" : "set" };
  });
}
