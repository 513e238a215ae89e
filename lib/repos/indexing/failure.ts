import { failCodeIndex } from "../../data/code-index.server.ts";
import { CountersignError } from "../../errors.ts";
import { log } from "../../log.ts";
import { redactText } from "../../redact.ts";

interface Refusal {
  readonly outcome: "refused";
  readonly reason: string;
}

/** What is said when no repeat can help. Throws the error again when one can, and when it is a fault of ours. */
export function refusal(
  { projectId, repoId }: { projectId: string; repoId: string },
  error: unknown,
): Refusal {
  const final = error instanceof CountersignError && !error.retry && error.code !== "environment";
  if (!final) throw error;
  log.warn("repository not indexed", { projectId, repoId, code: error.code });
  return { outcome: "refused", reason: redactText(error.message).slice(0, 1000) };
}

/** Writes down why a repository cannot be indexed, for whoever looks at it. Throws as {@link refusal}. */
export async function recordFailure(
  ids: { projectId: string; repoId: string },
  error: unknown,
): Promise<Refusal> {
  const refused = refusal(ids, error);
  await failCodeIndex({ repoId: ids.repoId, error: refused.reason });
  return refused;
}
