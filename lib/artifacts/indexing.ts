import { markArtifactIndexed, type Unindexed } from "../data/artifact-index.server.ts";
import { getLatestArtifact, readArtifact } from "../data/artifacts.server.ts";
import {
  deleteVectors,
  namespaces,
  retireArtifactVectors,
  upsertTexts,
} from "../upstash/vector.ts";
import { indexedText, sectionsOf, UNANSWERED } from "./compose.ts";

/**
 * Makes what the sections of an artifact's latest version say searchable, and takes older versions out. Of one that is not
 * the latest (any more) nothing stays, in whatever order versions are indexed. Can be repeated.
 */
export async function indexArtifact(artifactId: string): Promise<{ indexed: number }> {
  const artifact = await readArtifact({ id: artifactId });
  const { projectId, kind, logicalKey, version } = artifact;
  const namespace = namespaces.artifacts(projectId);
  const answered = sectionsOf(artifact).filter(({ text }) => text !== UNANSWERED);
  const texts = answered.map((section) => ({
    id: `${artifactId}:${section.id}`,
    data: indexedText(artifact, section),
    metadata: {
      ...{ projectId, type: "artifact" as const },
      ...{ artifactKind: kind, artifactKey: logicalKey, artifactVersion: version },
    },
  }));
  await upsertTexts(namespace, texts);
  await retireArtifactVectors(artifact);
  // After the write: of two that run at once, the older sees the newer here and goes.
  const latest = await getLatestArtifact(artifact);
  if (latest?.id === artifactId) return { indexed: texts.length };
  await deleteVectors(
    namespace,
    texts.map(({ id }) => id),
  );
  return { indexed: 0 };
}

/** The same for a version that its run left behind, which is on record then. Can be repeated. */
export async function indexLeftBehind(version: Unindexed): Promise<{ indexed: number }> {
  const done = await indexArtifact(version.artifactId);
  await markArtifactIndexed(version, done);
  return done;
}
