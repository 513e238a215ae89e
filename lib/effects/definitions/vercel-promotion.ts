import { setTimeout } from "node:timers/promises";
import * as z from "zod";
import { deploymentByVercelId, noteDeployment } from "../../data/deployments.server.ts";
import { Later, Unavailable } from "../../errors.ts";
import { commitSha } from "../../events/catalogue/fields.ts";
import { promoteDeployment, readDeployment, rollBackTo } from "../../vercel/deployments.ts";
import { otherBuild } from "../../vercel/other-build.ts";
import { readProject } from "../../vercel/projects.ts";
import {
  type EffectCall,
  EffectDeferred,
  type EffectDefinition,
  EffectMoved,
  EffectRefused,
} from "../definition.ts";
import { providerError, timeoutMs } from "./provider.ts";

const inProject = {
  project: z.string().min(1).max(100),
  projectId: z.string(),
};

/** How long to leave Vercel alone that has taken such a wish. */
const SWITCHING_MS = 5000;

/** Between two looks whether production serves it. */
const LOOK_MS = 500;

const promotion = z.strictObject({
  ...inProject,
  deployment: z.string(),
  sha: commitSha,
  url: z.string(),
  /** What production serves until then: null when it serves nothing. */
  previous: z.string().nullable(),
  /** Whether production had served the deployment before this was planned; absent: not known. */
  servedBefore: z.boolean().optional(),
  /** Whether this approval is also one for going back to `previous`, should production not answer as it has to. */
  rollback: z.enum(["preapproved", "ask"]),
});
type Promotion = z.infer<typeof promotion>;

const rollback = z.strictObject({
  ...inProject,
  /** What was promoted, and what production goes back to. */
  from: z.string(),
  to: z.string(),
});
type Rollback = z.infer<typeof rollback>;

/** Doing either of them again leaves what doing it once leaves. */
const COMMON = { scope: "deploy.production", reads: "consistent", timeoutMs } as const;

/** Production serves this deployment from now on. */
export const vercelPromotion: EffectDefinition<Promotion> = {
  ...COMMON,
  kind: "vercel.promotion",
  params: promotion,
  intent: ({ project, deployment, sha, previous, rollback: back }) => ({
    ...{ provider: "vercel", project, deployment, commit: sha, previous, rollback: back },
  }),
  summary({ project, deployment, sha, previous, url, servedBefore }) {
    const what = `the deployment ${deployment} of ${sha.slice(0, 12)} (${url})`;
    const again = servedBefore === true ? ", which it has served before," : "";
    return `Serve ${what}${again} in production of "${project}", instead of ${previous ?? "nothing"}.`;
  },
  async find({ params, signal }) {
    const { projectId, deployment } = params;
    const build = await readDeployment(deployment, signal);
    // Whoever has made production serve another build, it was not this: its call refuses that.
    if (build && otherBuild(build, params)) return null;
    return await served(projectId, deployment, signal);
  },
  async wasDone({ params: { deployment, servedBefore }, signal }) {
    if (servedBefore !== false) return false;
    return (await readDeployment(deployment, signal))?.served === true;
  },
  async perform({ params, signal }) {
    const { project, projectId, deployment: to, sha, previous: from } = params;
    const once = params.servedBefore === false;
    const unusable = (await deploymentByVercelId(to))?.metadata.unusable;
    return await toServe({ project, projectId, from, to, sha, once, unusable, signal }, () =>
      promoteDeployment(projectId, to, signal),
    );
  },
  async record({ params: { deployment: vercelDeploymentId }, id }, tx) {
    await noteDeployment({ vercelDeploymentId, metadata: { promotedBy: id } }, tx);
  },
};

/** Production goes back to what it served before a promotion. */
export const vercelRollback: EffectDefinition<Rollback> = {
  ...COMMON,
  kind: "vercel.rollback",
  params: rollback,
  intent: ({ project, from, to }) => ({ provider: "vercel", project, from, to }),
  summary: ({ project, from, to }) =>
    `Go back from ${from} to ${to} in production of "${project}", when it does not answer as it has to.`,
  find: ({ params, signal }) => served(params.projectId, params.to, signal),
  async perform({ params: { project, projectId, from, to }, signal }) {
    // What it goes back to was served before in any case: that tells nothing.
    return await toServe({ project, projectId, from, to, once: false, signal }, () =>
      rollBackTo(projectId, to, signal),
    );
  },
  async record({ params: { from: vercelDeploymentId, to }, id }, tx) {
    const metadata = { rolledBackBy: id, rolledBackTo: to };
    await noteDeployment({ vercelDeploymentId, metadata }, tx);
  },
};

async function served(projectId: string, deployment: string, signal: AbortSignal) {
  const at = await readProject(projectId, signal);
  if (at?.productionDeploymentId === deployment) {
    return { id: deployment, url: at.productionUrl ?? undefined };
  }
  if (at?.switchingTo !== deployment) return null;
  const what = `Vercel has been asked to serve ${deployment}, and does not yet.`;
  throw new Later("not_served_yet", what, SWITCHING_MS);
}

interface Switch {
  readonly project: string;
  readonly projectId: string;
  readonly from: string | null;
  readonly to: string;
  /** The commit that it has to be a build of; absent for what production has served before. */
  readonly sha?: string;
  /** Production had never served it: when it has by now and does not any more, a person has taken it back. */
  readonly once: boolean;
  /** Why it must not be served any more: a later start of the run has found out. */
  readonly unusable?: unknown;
  readonly signal: EffectCall<unknown>["signal"];
}

/** Asks for it, and waits until production serves it: Vercel takes such a wish and fulfils it a little later. */
async function toServe(wanted: Switch, ask: () => Promise<void>) {
  const { project, projectId, from, to, sha, once, unusable, signal } = wanted;
  try {
    const at = await readProject(projectId, signal);
    if (!at) throw new EffectRefused("project_gone", `Vercel has no project ${project}.`);
    const build = await readDeployment(to, signal);
    const other = build && sha !== undefined ? otherBuild(build, { projectId, sha }) : null;
    if (other) throw new EffectRefused("deployment_other", other);
    if (at.productionDeploymentId !== to) {
      if (at.productionDeploymentId !== from) {
        const now = at.productionDeploymentId ?? "nothing";
        const what = `Production of ${project} serves ${now}, and ${from ?? "nothing"} was approved to be replaced.`;
        throw new EffectMoved("production_moved", what);
      }
      if (build?.state !== "ready") {
        const what = `The deployment ${to} is ${build?.state ?? "gone"}: it cannot be served.`;
        throw new EffectRefused("deployment_not_ready", what);
      }
      if (unusable !== undefined) {
        throw new EffectMoved(
          "build_unusable",
          `The deployment ${to} is not to be used: ${unusable}`,
        );
      }
      if (at.switchingTo !== to) {
        // Ours would take its place: what comes of it has to be seen, and planned for, first.
        if (at.switchingTo !== null) {
          const what = `Production of ${project} is being switched to ${at.switchingTo}, by somebody else.`;
          throw new EffectDeferred(what, SWITCHING_MS);
        }
        if (once && build.served) {
          const what = `Production of ${project} has served ${to} since it was planned, and serves ${from ?? "nothing"} again.`;
          throw new EffectMoved("promotion_taken_back", what);
        }
        await ask();
      }
    }
  } catch (error) {
    throw providerError(error);
  }
  while (!signal.aborted) {
    const now = await readProject(projectId, signal);
    if (now?.productionDeploymentId === to) return { id: to, url: now.productionUrl ?? undefined };
    await setTimeout(LOOK_MS, undefined, { signal });
  }
  throw new Unavailable("not_served_yet", `Production of ${project} does not serve ${to} yet.`);
}
