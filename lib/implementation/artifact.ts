import { artifactEntry } from "../audit/happened.ts";
import { publishArtifact } from "../data/artifacts.server.ts";
import { appendAudit } from "../data/audit.server.ts";
import { transaction } from "../data/transaction.server.ts";
import type { RunIds } from "./work.ts";

/** What a run shows of its own work: one of each for a run, in as many versions as it had to be made anew. */
export type RunArtifactKind = "IMPLEMENTATION_PLAN" | "PATCHSET" | "VERIFICATION_REPORT";

/** An artifact of a run, as it is announced. */
export interface RunArtifact extends RunIds {
  readonly artifactId: string;
  readonly kind: RunArtifactKind;
  readonly logicalKey: string;
  readonly version: number;
}

/** Publishes an artifact of a run with its audit entry. The same content again is the same version. */
export async function publishOfRun(
  { projectId, runId }: RunIds,
  kind: RunArtifactKind,
  { content, metadata }: { content: string; metadata: Record<string, unknown> },
): Promise<RunArtifact> {
  return await transaction(async (tx) => {
    const key = { projectId, kind, logicalKey: runId };
    const { artifact, created } = await publishArtifact({ ...key, runId, content, metadata }, tx);
    if (created) await appendAudit(artifactEntry(artifact, 0), tx);
    return { ...key, runId, kind, artifactId: artifact.id, version: artifact.version };
  });
}
