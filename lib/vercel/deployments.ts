import * as z from "zod";
import { NotFound, Unavailable } from "../errors.ts";
import { vercel, vercelOrNull } from "./client.ts";
import { originOf } from "./origin.ts";

export type DeploymentState = "queued" | "building" | "ready" | "error" | "canceled";

export interface DeploymentFacts {
  readonly id: string;
  /** Its own address, an absolute origin. */
  readonly url: string;
  readonly state: DeploymentState;
  readonly projectId: string;
  readonly sha: string | null;
  readonly marker: string | null;
  /** Whether it "has seen production traffic", as Vercel has it: true from its first promotion on, also when it was taken back. */
  readonly served: boolean;
  /** Why it failed, in Vercel's words; null when it did not. */
  readonly error: string | null;
}

/** The key of our marker in a deployment's metadata. */
const MARKER = "countersignEffect";

const STATES: Readonly<Record<string, DeploymentState>> = {
  QUEUED: "queued",
  // Of a deployment that somebody has to allow first; until then it waits.
  BLOCKED: "queued",
  INITIALIZING: "building",
  BUILDING: "building",
  READY: "ready",
  ERROR: "error",
  CANCELED: "canceled",
};

const answer = z.object({
  id: z.string().min(1),
  url: z.string().min(1),
  readyState: z.string().min(1),
  readySubstate: z.string().nullish(),
  projectId: z.string().nullish(),
  project: z.object({ id: z.string() }).nullish(),
  gitSource: z.object({ sha: z.string().nullish() }).nullish(),
  meta: z.record(z.string(), z.unknown()).nullish(),
  errorCode: z.string().nullish(),
  errorMessage: z.string().nullish(),
});
type Answer = z.infer<typeof answer>;

/**
 * Builds one commit for production, which goes on serving what it serves: `autoAssignCustomDomains: false` is what `vercel deploy --prod
 * --skip-domain` sends, and the SDK's type of the request lacks it. A build of the same commit that is there already does not
 * stand for this one.
 */
export async function createDeployment(
  {
    project,
    repository: { owner, repo },
    ref,
    sha,
    marker,
  }: {
    project: { id: string; name: string };
    repository: { owner: string; repo: string };
    ref: string;
    sha: string;
    marker: string;
  },
  signal: AbortSignal,
): Promise<DeploymentFacts> {
  const made = await vercel({
    what: `deploy ${owner}/${repo} at ${sha}`,
    ...{ signal, answer, more: { autoAssignCustomDomains: false } },
    ask: ({ sdk, core, team, options }) =>
      sdk.deploymentsCreateDeployment(
        core,
        {
          ...{ ...team, forceNew: "1", skipAutoDetectionConfirmation: "1" },
          requestBody: {
            ...{ name: project.name, project: project.id, target: "production" },
            gitSource: { type: "github", org: owner, repo, ref, sha },
            meta: { [MARKER]: marker },
          },
        },
        options,
      ),
  });
  return factsOf(made, project.id);
}

/** A deployment by its id; null when there is none. */
export async function readDeployment(
  id: string,
  signal: AbortSignal,
): Promise<DeploymentFacts | null> {
  const found = await vercelOrNull({
    what: `read the deployment ${id}`,
    ...{ signal, answer },
    ask: ({ sdk, core, team, options }) =>
      sdk.deploymentsGetDeployment(core, { idOrUrl: id, ...team }, options),
  });
  return found === null || found.readyState === "DELETED" ? null : factsOf(found);
}

const page = z.object({
  deployments: z.array(answer.omit({ id: true }).extend({ uid: z.string().min(1) })),
  pagination: z.object({ next: z.number().nullish() }),
});
const PER_PAGE = 100;
const MAX_PAGES = 10;

/** The deployment of a commit that was made with this marker, among the newest 1,000 of the commit; null when there is none. */
export async function findDeployment(
  { projectId, sha, marker }: { projectId: string; sha: string; marker: string },
  signal: AbortSignal,
): Promise<DeploymentFacts | null> {
  let until: number | undefined;
  for (let n = 0; n < MAX_PAGES; n++) {
    const request = { projectId, sha, limit: PER_PAGE, ...(until !== undefined && { until }) };
    const { deployments, pagination } = await vercel({
      what: `look for a deployment of ${sha}`,
      ...{ signal, answer: page },
      ask: ({ sdk, core, team, options }) =>
        sdk.deploymentsGetDeployments(core, { ...team, ...request }, options),
    });
    const found = deployments.find(
      ({ meta, readyState }) => meta?.[MARKER] === marker && readyState !== "DELETED",
    );
    if (found) return factsOf({ ...found, id: found.uid }, projectId);
    if (pagination.next === null || pagination.next === undefined) return null;
    until = pagination.next;
  }
  const what = `Vercel has more than ${PER_PAGE * MAX_PAGES} deployments of ${sha}: remove some there.`;
  throw new Unavailable("vercel_answer", what);
}

/** Asks that production serve this deployment. Vercel takes the wish and fulfils it a little later. */
export async function promoteDeployment(
  projectId: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  await vercel({
    what: `promote the deployment ${id}`,
    ...{ signal, answer: z.unknown() },
    ask: ({ sdk, core, team, options }) =>
      sdk.projectsRequestPromote(core, { ...{ projectId, deploymentId: id }, ...team }, options),
  });
}

/** Asks that production go back to a deployment that it has served before. */
export async function rollBackTo(
  projectId: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  await vercel({
    what: `roll back to the deployment ${id}`,
    ...{ signal, answer: z.unknown() },
    ask: ({ sdk, core, team, options }) =>
      sdk.projectsRequestRollback(core, { ...{ projectId, deploymentId: id }, ...team }, options),
  });
}

/** Ends a build. Throws what Vercel's refusal means when it has ended already. */
export async function cancelDeployment(id: string, signal: AbortSignal): Promise<DeploymentFacts> {
  const ended = await vercel({
    what: `cancel the deployment ${id}`,
    ...{ signal, answer },
    ask: ({ sdk, core, team, options }) =>
      sdk.deploymentsCancelDeployment(core, { id, ...team }, options),
  });
  return factsOf(ended);
}

/** Removes a deployment; one that is gone is removed. */
export async function deleteDeployment(id: string, signal: AbortSignal): Promise<void> {
  try {
    await vercel({
      what: `delete the deployment ${id}`,
      ...{ signal, answer: z.unknown() },
      ask: ({ sdk, core, team, options }) =>
        sdk.deploymentsDeleteDeployment(core, { id, ...team }, options),
    });
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
  }
}

function factsOf(
  { id, url, readyState, readySubstate, meta, gitSource, errorCode, errorMessage, ...of }: Answer,
  project = of.projectId ?? of.project?.id,
): DeploymentFacts {
  const state = STATES[readyState];
  if (state === undefined || !project) {
    const what = `The deployment ${id} is ${readyState} in project ${project ?? "unknown"}: that is not understood.`;
    throw new Unavailable("vercel_answer", what);
  }
  const sha = gitSource?.sha ?? meta?.githubCommitSha;
  const marker = meta?.[MARKER];
  return {
    ...{ id, url: originOf(url), state, projectId: project },
    sha: typeof sha === "string" ? sha : null,
    marker: typeof marker === "string" ? marker : null,
    served: readySubstate === "PROMOTED",
    error: state === "error" ? (errorMessage ?? errorCode ?? "no reason given") : null,
  };
}
