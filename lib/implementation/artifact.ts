import { artifactEntry } from "../audit/happened.ts";
import { publishArtifact } from "../data/artifacts.server.ts";
import { appendAudit } from "../data/audit.server.ts";
import { transaction } from "../data/transaction.server.ts";
import type { RunArtifact, RunIds } from "./work.ts";

/** Publishes an artifact of a run with its audit entry. The same content again is the same version. */
export async function publishOfRun(
  { projectId, runId }: RunIds,
  kind: RunArtifact["kind"],
  { content, metadata }: { content: string; metadata: Record<string, unknown> },
): Promise<RunArtifact> {
  return await transaction(async (tx) => {
    const key = { projectId, kind, logicalKey: runId };
    const { artifact, created } = await publishArtifact({ ...key, runId, content, metadata }, tx);
    if (created) await appendAudit(artifactEntry(artifact, 0), tx);
    return { ...key, runId, kind, artifactId: artifact.id, version: artifact.version };
  });
}
