import * as z from "zod";
import { env } from "../../env.ts";
import { Later } from "../../errors.ts";
import { EffectDeferred, EffectMoved, EffectRefused } from "../definition.ts";
import { refusalStatus } from "./provider.ts";

/** What the params of all effects on GitHub begin with. */
export const inRepository = {
  owner: z.string().min(1).max(100),
  repo: z.string().min(1).max(100),
  branch: z.string().min(1).max(255),
};

/**
 * A repeat of any of these calls is refused by GitHub itself: a branch, an open pull request for a branch, a merge, a removal is
 * there once. So what a look has missed, because GitHub's reads come late, is found after the refusal and never made twice.
 */
export const GITHUB = {
  reads: "consistent",
  timeoutMs: () => (env().GITHUB_TIMEOUT_SECONDS ?? 25) * 1000,
} as const;

/** `owner/name`, as an intent says it. */
export function repositoryOf({ owner, repo }: { owner: string; repo: string }): string {
  return `${owner}/${repo}`;
}

const CHECK_TO_COME = /required status checks? .*\b(?:expected|pending|queued|in progress)\b/i;
const CHECK_MS = 30_000;

/**
 * What a failed call that makes something means for its effect: asked to wait, and nothing was done; refused for good, and nothing
 * was done; otherwise (no answer, 5xx) it is open, and the error is returned as it is, to be thrown.
 */
export function effectError(error: unknown): unknown {
  if (error instanceof EffectRefused || error instanceof EffectMoved) return error;
  if (error instanceof Later) return new EffectDeferred(error.message, error.afterMs);
  const status = refusalStatus(error);
  if (status === null) return error;
  const { message } = error as Error;
  if (status === 409) return new EffectMoved("github_conflict", message);
  // GitHub says this with 405 when the base moves while it merges.
  if (/base branch was modified/i.test(message)) return new EffectMoved("base_moved", message);
  // A check that rulesets demand can come later than those that we know of.
  if (CHECK_TO_COME.test(message)) return new EffectDeferred(message, CHECK_MS);
  return new EffectRefused(status === 404 ? "github_not_found" : "github_refused", message);
}
