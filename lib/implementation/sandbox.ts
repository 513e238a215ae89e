import { sha256 } from "../canonical.ts";
import { env } from "../env.ts";
import type { RepoName } from "../github/branches.ts";

/** Whether the operator has said that commands of this repository may run where nothing can hold them. */
export function isTrusted({ owner, repo }: RepoName): boolean {
  const name = `${owner}/${repo}`.toLowerCase();
  const trusted = env().SANDBOX_TRUSTED_REPOS ?? "";
  return trusted.split(",").some((one) => one.trim().toLowerCase() === name);
}

/** The name of a run's sandbox in one of its attempts: it starts from the patched tree, and nothing is left from before. */
export function sandboxName(runId: string, attempt: number): string {
  return `countersign-${sha256(`${runId}/${attempt}`).slice(0, 32)}`;
}
