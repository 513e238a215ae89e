import { deleteChunks, listRetired, listUnindexed, markIndexed } from "../data/chunks.server.ts";
import { deleteVectors, namespaces, pendingVectors, upsertTexts } from "../upstash/vector.ts";
import { embeddedText } from "./chunk/embedded-text.ts";
import { EXTRACTION_VERSION } from "./document.ts";

/** Texts per step: a few seconds of embedding, so that a killed step repeats little. */
const TEXTS_PER_STEP = 64;

interface FileOfProject {
  readonly projectId: string;
  readonly fileId: string;
}

/**
 * Writes the next chunks that have no vector yet. Returns how many it wrote and whether there may be more.
 * A chunk whose row was removed while its vector was written loses the vector again: rows are the truth.
 */
export async function indexBatch({
  projectId,
  fileId,
}: FileOfProject): Promise<{ indexed: number; more: boolean }> {
  const chunks = await listUnindexed({
    fileId,
    extractionVersion: EXTRACTION_VERSION,
    limit: TEXTS_PER_STEP,
  });
  const namespace = namespaces.chunks(projectId);
  await upsertTexts(
    namespace,
    chunks.map((chunk) => ({
      id: chunk.id,
      data: embeddedText(chunk),
      metadata: {
        projectId,
        type: "chunk",
        fileId,
        chunkId: chunk.id,
        pageStart: chunk.pageStart ?? NO_PAGE,
        pageEnd: chunk.pageEnd ?? NO_PAGE,
      },
    })),
  );
  const ids = chunks.map((chunk) => chunk.id);
  const marked = new Set(await markIndexed({ ids }));
  const orphans = ids.filter((id) => !marked.has(id));
  await deleteVectors(namespace, orphans);
  return { indexed: marked.size, more: chunks.length === TEXTS_PER_STEP };
}

/** Stands in metadata for "this format has no pages": an Upstash filter cannot ask for null. */
const NO_PAGE = -1;

/** How many written vectors of the project cannot be found yet. Upstash indexes shortly after it has answered. */
export async function pendingCount(projectId: string): Promise<number> {
  return await pendingVectors(namespaces.chunks(projectId));
}

/**
 * Removes what older extraction versions left of the file, vectors before rows so that a crash leaves rows that a repeat
 * still finds. Runs after the new vectors can be found: a search never sees a gap.
 */
export async function retireOlder({
  projectId,
  fileId,
}: FileOfProject): Promise<{ retired: number }> {
  let retired = 0;
  for (;;) {
    const ids = await listRetired({ fileId, extractionVersion: EXTRACTION_VERSION, limit: 500 });
    if (ids.length === 0) return { retired };
    await deleteVectors(namespaces.chunks(projectId), ids);
    await deleteChunks({ ids });
    retired += ids.length;
  }
}
