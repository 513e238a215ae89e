import * as z from "zod";
import { putInfraResource } from "../../data/infra.server.ts";
import { Conflict, Unavailable } from "../../errors.ts";
import { createProject, readProject, stageProject } from "../../vercel/projects.ts";
import { type EffectDefinition, EffectRefused } from "../definition.ts";
import { providerError, timeoutMs } from "./provider.ts";

const params = z.strictObject({
  /** The project's name at Vercel: there once, so that a repeat is refused. */
  project: z.string().min(1).max(100),
  owner: z.string().min(1).max(100),
  repo: z.string().min(1).max(100),
});
type Project = z.infer<typeof params>;

const repositoryOf = ({ owner, repo }: Pick<Project, "owner" | "repo">) => `${owner}/${repo}`;

/** The making of a project at Vercel that is linked to a repository. It is born with a variable that holds the effect's id. */
export const vercelProject: EffectDefinition<Project> = {
  kind: "vercel.project",
  scope: "infra.provision",
  params,
  reads: "consistent",
  timeoutMs,
  intent: ({ project, ...name }) => ({
    provider: "vercel",
    project,
    repository: repositoryOf(name),
  }),
  summary: ({ project, ...name }) =>
    `Create the Vercel project "${project}", linked to ${repositoryOf(name)}.`,

  async find({ marker, params: { project }, signal }) {
    const found = await readProject(project, signal);
    if (found?.marker !== marker) return null;
    // Its second half is missing: until then each push would be served. To finish it is part of what was approved.
    if (found.automatic) await stageProject(found, signal);
    const { id, name, repository } = found;
    return { id, intent: { provider: "vercel", project: name, repository } };
  },

  async perform({ marker, params: { project, owner, repo }, signal }) {
    try {
      const made = await createProject(
        { name: project, repository: { owner, repo }, marker },
        signal,
      );
      return { id: made.id };
    } catch (error) {
      const refused = providerError(error);
      if (!(refused instanceof EffectRefused)) throw refused;
      const there = await readProject(project, signal);
      if (there?.marker === marker) {
        throw new Unavailable("project_is_there", `The project ${project} is there: look for it.`);
      }
      // Taken, and not seen: it may be the one that an earlier try has made.
      if (!there && error instanceof Conflict) {
        throw new Unavailable("project_not_seen", `The project ${project} is not seen yet.`);
      }
      if (!there) throw refused;
      const what = `Vercel has a project ${project} that was made meanwhile: plan it anew.`;
      throw new EffectRefused("project_taken", what);
    }
  },

  async record({ projectId, runId, externalId, params: { project, ...name }, id: effectId }, tx) {
    const row = { projectId, runId, provider: "vercel", resourceType: "project" } as const;
    const metadata = { name: project, repository: repositoryOf(name), mode: "automated", effectId };
    await putInfraResource({ ...row, externalId, region: null, metadata }, tx);
  },
};
