import * as z from "zod";
import { Conflict, errorMessage, NotFound, Unavailable } from "../errors.ts";
import { vercel, vercelOrNull } from "./client.ts";
import { MARKER_VARIABLE, markerOf } from "./marker.ts";
import { originOf } from "./origin.ts";

export interface ProjectFacts {
  readonly id: string;
  readonly name: string;
  /** `owner/repo` at GitHub; null when it is linked to none. */
  readonly repository: string | null;
  /** What it was born with; null for a project that is not from here. */
  readonly marker: string | null;
  readonly productionDeploymentId: string | null;
  /** Where production is served: an absolute origin. */
  readonly productionUrl: string | null;
  /** Whether production serves what is built for it, as of a push to the main branch, without anybody promoting it. */
  readonly automatic: boolean;
  /** What production was asked to serve, and does not yet; null when nothing is under way. */
  readonly switchingTo: string | null;
}

const answer = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  autoAssignCustomDomains: z.boolean().nullish(),
  lastAliasRequest: z.object({ toDeploymentId: z.string(), jobStatus: z.string() }).nullish(),
  link: z
    .object({ type: z.string().nullish(), org: z.string().nullish(), repo: z.string().nullish() })
    .nullish(),
  alias: z
    .array(
      z.object({
        domain: z.string(),
        target: z.string(),
        redirect: z.string().nullish(),
        deployment: z.object({ id: z.string() }).nullish(),
      }),
    )
    .default([]),
  targets: z
    .record(
      z.string(),
      z
        .object({
          id: z.string(),
          alias: z.array(z.string()).nullish(),
          readySubstate: z.string().nullish(),
        })
        .nullable(),
    )
    .nullish(),
});
type Answer = z.infer<typeof answer>;

/** A project by its id or name; null when there is none. Its marker is read by a second call. */
export async function readProject(
  idOrName: string,
  signal: AbortSignal,
): Promise<ProjectFacts | null> {
  const found = await vercelOrNull({
    what: `read the project ${idOrName}`,
    ...{ signal, answer },
    ask: ({ sdk, core, team, options }) =>
      sdk.projectsGetProject(core, { idOrName, ...team }, options),
  });
  return found && factsOf(found, await markerOf(found.id, signal));
}

interface NewProject {
  readonly name: string;
  readonly repository: { readonly owner: string; readonly repo: string };
  readonly marker: string;
}

/**
 * Makes a project that is linked to a repository, with `marker` in a variable that no build gets. Vercel builds each push to such
 * a project and serves it in production; it is told by a second call not to serve what nobody has promoted. Where the first call
 * was made already, only the second is. Throws Conflict when the name is taken by a project without this marker.
 */
export async function createProject(
  wanted: NewProject,
  signal: AbortSignal,
): Promise<ProjectFacts> {
  const made = await linkedProject(wanted, signal);
  try {
    return factsOf(await stageProject(made, signal), wanted.marker);
  } catch (error) {
    // The project is there: whoever is asked to wait, or refused, has not done nothing.
    const what = `The project ${wanted.name} is there, and production of it serves each push still`;
    throw new Unavailable("vercel_half_made", `${what}: ${errorMessage(error)}`, {}, error);
  }
}

/** Lets production of a project serve only what is promoted. Said again, it changes nothing. */
export async function stageProject(
  { id, name }: Pick<ProjectFacts, "id" | "name">,
  signal: AbortSignal,
): Promise<Answer> {
  return await vercel({
    what: `let the project ${name} serve only what is promoted`,
    ...{ signal, answer },
    ask: ({ sdk, core, team, options }) =>
      sdk.projectsUpdateProject(
        core,
        { idOrName: id, ...team, requestBody: { autoAssignCustomDomains: false } },
        options,
      ),
  });
}

async function linkedProject(
  wanted: NewProject,
  signal: AbortSignal,
): Promise<{ id: string; name: string }> {
  const { name, repository, marker } = wanted;
  try {
    return await vercel({
      what: `create the project ${name}`,
      ...{ signal, answer },
      ask: ({ sdk, core, team, options }) =>
        sdk.projectsCreateProject(
          core,
          {
            ...team,
            requestBody: {
              name,
              gitRepository: { type: "github", repo: `${repository.owner}/${repository.repo}` },
              environmentVariables: [
                { key: MARKER_VARIABLE, value: marker, type: "plain", target: ["development"] },
              ],
            },
          },
          options,
        ),
    });
  } catch (error) {
    const there = error instanceof Conflict ? await readProject(name, signal) : null;
    if (there?.marker === marker) return there;
    throw error;
  }
}

/** Removes a project with all that it has; one that is gone is removed. */
export async function deleteProject(id: string, signal: AbortSignal): Promise<void> {
  try {
    await vercel({
      what: `delete the project ${id}`,
      ...{ signal, answer: z.unknown() },
      ask: ({ sdk, core, team, options }) =>
        sdk.projectsDeleteProject(core, { idOrName: id, ...team }, options),
    });
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
}

const page = z.object({
  projects: z.array(answer),
  pagination: z.object({ next: z.union([z.string(), z.number()]).nullish() }),
});
const PER_PAGE = "100";
const MAX_PAGES = 20;

/** The first 2,000 projects of the account, without their markers. */
export async function listProjects(signal: AbortSignal): Promise<Omit<ProjectFacts, "marker">[]> {
  const found: Omit<ProjectFacts, "marker">[] = [];
  let from: string | undefined;
  for (let n = 0; n < MAX_PAGES; n++) {
    const request = { limit: PER_PAGE, ...(from !== undefined && { from }) };
    const { projects, pagination } = await vercel({
      what: "list projects",
      ...{ signal, answer: page },
      ask: ({ sdk, core, team, options }) =>
        sdk.projectsGetProjects(core, { ...team, ...request }, options),
    });
    for (const project of projects) {
      const { marker: _, ...facts } = factsOf(project, null);
      found.push(facts);
    }
    if (pagination.next === null || pagination.next === undefined) break;
    from = String(pagination.next);
  }
  return found;
}

/** States of a promotion or rollback that Vercel has taken and not ended. */
const UNDER_WAY: ReadonlySet<string> = new Set(["pending", "in-progress"]);

function factsOf(project: Answer, marker: string | null): ProjectFacts {
  const { id, name, link, targets, lastAliasRequest: wish } = project;
  const linked = link?.type === "github" && link.org && link.repo;
  const domains = productionDomains(project);
  const served = domains.find(({ deployment }) => deployment);
  // The newest for production need not be what is served there: it may only be staged.
  const newest = targets?.production;
  const live = newest && newest.readySubstate !== "STAGED" ? newest : null;
  const productionDeploymentId = served?.deployment?.id ?? live?.id ?? null;
  const domain = served?.domain ?? domains[0]?.domain ?? live?.alias?.[0];
  return {
    ...{ id, name, marker, productionDeploymentId },
    repository: linked ? `${link.org}/${link.repo}` : null,
    productionUrl: productionDeploymentId !== null && domain ? originOf(domain) : null,
    automatic: project.autoAssignCustomDomains !== false,
    switchingTo: UNDER_WAY.has(wish?.jobStatus ?? "") ? (wish?.toDeploymentId ?? null) : null,
  };
}

/** Where production is served. Custom domains first: only of them Vercel says that none moves before a promotion. */
function productionDomains({ alias }: Answer): Answer["alias"] {
  const own = ({ domain }: { domain: string }) => Number(domain.endsWith(".vercel.app"));
  return alias
    .filter(({ target, redirect }) => target === "PRODUCTION" && !redirect)
    .sort((a, b) => own(a) - own(b));
}
