import { BUNDLE_KIND } from "../artifacts/kinds.ts";
import { artifactEntry } from "../audit/happened.ts";
import { blobStore } from "../blob/blob.ts";
import { checkKey, projectPrefix } from "../blob/port.ts";
import { canonicalJson } from "../canonical.ts";
import { type Artifact, publishArtifact } from "../data/artifacts.server.ts";
import { appendAudit } from "../data/audit.server.ts";
import { newestOfRun } from "../data/bundles.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { lockRun } from "../data/runs.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { NotFound } from "../errors.ts";
import { type RunKey, recordCut } from "./cut.ts";
import { FORMAT } from "./format.ts";
import { type Made, makeBundle } from "./make.ts";
import { shippedCommit } from "./shipped.ts";

export type Finalized =
  | { outcome: "bundled"; artifactId: string; provenanceArtifactId: string; sha256: string }
  /** It goes on already, is gone, or never was: there is nothing to bundle. */
  | { outcome: "not ended" };

/**
 * Bundles a run that has ended, once for each end: the record of its cut, the ZIP in the blob store, and the artifact that
 * tells of it. Whoever dies on the way leaves nothing that the next try does not take up. Errors as `makeBundle`.
 */
export async function finalizeRun(run: RunKey): Promise<Finalized> {
  const provenance = await recordCut(run);
  if (!provenance) return { outcome: "not ended" };
  const { runId } = run;
  const known = await newestOfRun({ runId, kind: BUNDLE_KIND });
  const artifact = covers(known, provenance) ? known : await bundleCut(run, provenance);
  const sha256 = String(artifact.metadata.sha256);
  const ids = { artifactId: artifact.id, provenanceArtifactId: provenance.id };
  return { outcome: "bundled", ...ids, sha256 };
}

/** Whether it is the bundle of this end, or already of a later one. */
function covers(known: Artifact | null, provenance: Artifact): known is Artifact {
  return known !== null && Number(known.metadata.cut) >= Number(provenance.metadata.cut);
}

/**
 * Makes the bundle of a cut and publishes it, unless one of it or of a later cut is there by then, which it gives instead: an older
 * end does not come to stand before the newer by coming late. Errors as `makeBundle`.
 */
export async function bundleCut(run: RunKey, provenance: Artifact): Promise<Artifact> {
  const { projectId, runId } = run;
  const made = await makeBundle(provenance);
  const stored = await store(run, made, Number(provenance.metadata.cut));
  return await transaction(async (tx) => {
    // Others may have made it, or that of a later end, meanwhile.
    await lockRun({ id: runId }, tx);
    const known = await newestOfRun({ runId, kind: BUNDLE_KIND }, tx);
    if (covers(known, provenance)) return known;
    const { attempt, cut } = provenance.metadata;
    const { sha256, key } = stored;
    const { artifact } = await publishArtifact(
      {
        ...{ projectId, runId, kind: BUNDLE_KIND, logicalKey: runId },
        content: canonicalJson(told(made, provenance, stored)),
        metadata: { attempt, cut, sha256, blob: key, bytes: stored.size },
      },
      tx,
    );
    await appendAudit(artifactEntry(artifact, 0), tx);
    return artifact;
  });
}

/** What the artifact says of the ZIP, and of the run what anybody looks for first. */
function told(
  { gathered, manifestSha256, keyId }: Made,
  provenance: Artifact,
  zip: { sha256: string; size: number; key: string },
) {
  const { run, approvals, effects } = gathered;
  const count = (all: readonly { status: string }[]) =>
    Object.fromEntries(
      [...new Set(all.map(({ status }) => status))]
        .sort()
        .map((status) => [status, all.filter((one) => one.status === status).length]),
    );
  return {
    ...{ format: FORMAT, run: run.id, status: run.status, attempt: run.attempt, cut: run.cut },
    zip: { sha256: zip.sha256, bytes: zip.size, blob: zip.key },
    ...{ manifestSha256, provenanceArtifactId: provenance.id },
    signedBy: keyId,
    approvals: count(approvals),
    effects: count(effects),
    commit: shippedCommit(effects),
  };
}

/**
 * Stores the ZIP under its run and cut: made again it is the same bytes. Throws NotFound when the project went meanwhile, and
 * then takes it back: whoever deletes a project may have passed by.
 */
async function store({ projectId, runId }: RunKey, { stream }: Made, cut: number) {
  const key = checkKey(`${projectPrefix(projectId)}/bundles/${runId}/${cut}.zip`);
  const stored = await blobStore().put(key, stream);
  if (await projectExists({ id: projectId })) return stored;
  await blobStore().delete(key);
  throw new NotFound("project_not_found", `The project ${projectId} is gone or being deleted.`);
}
