import * as z from "zod";
import { putDeployment } from "../../data/deployments.server.ts";
import { commitSha } from "../../events/catalogue/fields.ts";
import { createDeployment, findDeployment } from "../../vercel/deployments.ts";
import { variablesFor } from "../../vercel/environment.ts";
import { readProject } from "../../vercel/projects.ts";
import { type EffectDefinition, EffectMoved, EffectRefused } from "../definition.ts";
import { providerError, timeoutMs } from "./provider.ts";

const params = z.strictObject({
  project: z.string().min(1).max(100),
  /** Its id at Vercel, for our own row. */
  projectId: z.string(),
  owner: z.string().min(1).max(100),
  repo: z.string().min(1).max(100),
  ref: z.string().min(1).max(255),
  sha: commitSha,
  /** The variables that it is built and run with, by name. Objects: in a list of texts, a name could be taken for a secret. */
  variables: z.array(z.strictObject({ name: z.string() })).max(1000),
});
type Deployment = z.infer<typeof params>;

/** How long a list may miss a deployment that was made. */
const SETTLE_MS = 30_000;

/** A build of exactly this commit, for production and not yet served there. */
export const vercelDeployment: EffectDefinition<Deployment> = {
  kind: "vercel.deployment",
  scope: "deploy.production",
  params,
  reads: { settleMs: SETTLE_MS },
  timeoutMs,
  intent: ({ project, owner, repo, sha, variables }) => ({
    ...{ provider: "vercel", project, repository: `${owner}/${repo}`, commit: sha },
    ...{ target: "production", variables },
  }),
  summary: ({ project, owner, repo, sha }) =>
    `Build ${owner}/${repo} at ${sha.slice(0, 12)} in the Vercel project "${project}" for production, without serving it there yet.`,

  async find({ marker, params: { projectId, sha }, signal }) {
    const found = await findDeployment({ projectId, sha, marker }, signal);
    return found && { id: found.id, url: found.url };
  },

  async perform({
    marker,
    params: { project, projectId, owner, repo, ref, sha, variables },
    signal,
  }) {
    try {
      const at = await readProject(projectId, signal);
      if (!at) throw new EffectRefused("project_gone", `Vercel has no project ${project}.`);
      const now = await variablesFor(at.id, "production", signal);
      const approved = variables.map(({ name }) => name);
      if (now.join() !== approved.join()) {
        const what = `The variables of ${project} are ${now.join(", ") || "none"} now, and ${approved.join(", ") || "none"} were approved.`;
        throw new EffectMoved("environment_moved", what);
      }
      const made = await createDeployment(
        { project: { id: at.id, name: at.name }, repository: { owner, repo }, ref, sha, marker },
        signal,
      );
      return { id: made.id, url: made.url };
    } catch (error) {
      throw providerError(error);
    }
  },

  async record(
    { id, projectId, runId, externalId, externalUrl, params: { projectId: at, sha } },
    tx,
  ) {
    await putDeployment(
      {
        ...{ projectId, runId, vercelProjectId: at, vercelDeploymentId: externalId },
        deploymentUrl: externalUrl ?? "",
        metadata: { commitSha: sha, effectId: id },
      },
      tx,
    );
  },
};
