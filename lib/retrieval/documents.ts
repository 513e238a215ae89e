import { fullTextSearch, getChunksWithFile } from "../data/chunks.server.ts";
import { namespaces, queryText } from "../upstash/vector.ts";

/** A passage of an uploaded document. */
export interface DocumentHit {
  readonly type: "chunk";
  /** Higher is better; says something within one answer only. */
  readonly score: number;
  readonly text: string;
  readonly chunkId: string;
  readonly fileId: string;
  readonly file: string;
  /** First and last page, from 1; null where the format has no pages. */
  readonly pageStart: number | null;
  readonly pageEnd: number | null;
  /** `title > heading > subheading`; empty when there is none. */
  readonly heading: string;
}

interface Wanted {
  readonly projectId: string;
  readonly query: string;
  /** How many hits at most. */
  readonly topK: number;
}

/**
 * Hits that are asked for in each namespace beyond those wanted: vectors of what was removed, or replaced by what is newer, lie
 * beside the others, and what is not shown must not take the place of what is.
 */
export const SPARE = 20;
/** Upstash gives no more. */
const MOST = 1000;

/**
 * The best passages of a project's documents by meaning and words together, in no order, each with the id of its vector. Rows are
 * the truth: none whose chunk is no longer in the database, or whose file was replaced. The vectors of those stay, and a file that
 * was replaced often is like itself: when they fill the answer, more is asked for.
 */
export async function findDocuments({
  projectId,
  query,
  topK,
}: Wanted): Promise<{ id: string; hit: DocumentHit }[]> {
  for (let asked = topK + SPARE; ; asked = Math.min(4 * asked, MOST)) {
    const found = await queryText(namespaces.chunks(projectId), query, asked);
    const ids = found.map(({ id }) => String(id));
    const chunks = await shownChunks(projectId, ids);
    const hits = found.flatMap(({ id: vector, score }) => {
      const id = String(vector);
      const chunk = chunks.get(id);
      return chunk ? [{ id, hit: { ...chunk, score } }] : [];
    });
    if (hits.length >= topK || found.length < asked || asked >= MOST) return hits;
  }
}

/** The same by words alone, best first, from the database. */
export async function findDocumentsByWords({
  projectId,
  query,
  topK,
}: Wanted): Promise<DocumentHit[]> {
  const found = await fullTextSearch({ projectId, query, limit: topK });
  const ids = found.map(({ chunkId }) => chunkId);
  const chunks = await shownChunks(projectId, ids);
  return found.flatMap(({ chunkId, score }) => {
    const chunk = chunks.get(chunkId);
    return chunk ? [{ ...chunk, score }] : [];
  });
}

async function shownChunks(
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, Omit<DocumentHit, "score">>> {
  if (ids.length === 0) return new Map();
  const rows = await getChunksWithFile({ projectId, ids });
  const shown = rows.filter(({ replaced }) => !replaced);
  return new Map(
    shown.map((row) => [
      row.id,
      {
        type: "chunk",
        chunkId: row.id,
        fileId: row.fileId,
        file: row.fileName,
        pageStart: row.pageStart,
        pageEnd: row.pageEnd,
        heading: row.breadcrumbs,
        text: row.content,
      },
    ]),
  );
}
