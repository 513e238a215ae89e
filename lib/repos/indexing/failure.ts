import { failCodeIndex } from "../../data/code-index.server.ts";
import { CountersignError } from "../../errors.ts";
import { log } from "../../log.ts";
import { redactText } from "../../redact.ts";

/**
 * Writes down why a repository cannot be indexed, for whoever looks at it, when no repeat can help. Throws the error again
 * when one can, and when it is a fault of ours.
 */
export async function recordFailure(
  { projectId, repoId }: { projectId: string; repoId: string },
  error: unknown,
): Promise<{ outcome: "refused"; reason: string }> {
  const final = error instanceof CountersignError && !error.retry && error.code !== "environment";
  if (!final) throw error;
  const reason = redactText(error.message).slice(0, 1000);
  log.warn("repository not indexed", { projectId, repoId, code: error.code });
  await failCodeIndex({ repoId, error: reason });
  return { outcome: "refused", reason };
}
