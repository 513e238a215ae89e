import type { DeploymentFacts } from "./deployments.ts";

/**
 * Why a deployment is not the build that it is taken for, in a sentence; null when it is that build. Which deployment it is, a person
 * can have said: `effect.resolved` names what nobody could find.
 */
export function otherBuild(
  { id, projectId, sha }: Pick<DeploymentFacts, "id" | "projectId" | "sha">,
  wanted: { readonly projectId: string; readonly sha: string },
): string | null {
  if (sha === wanted.sha && projectId === wanted.projectId) return null;
  const is = `of ${sha ?? "no commit"} in the project ${projectId}`;
  return `The deployment ${id} is a build ${is} at Vercel, and not of ${wanted.sha} in ${wanted.projectId}.`;
}
