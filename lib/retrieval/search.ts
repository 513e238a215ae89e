import { latestOf } from "../data/artifact-lists.server.ts";
import { fullTextSearch, getChunksWithFile } from "../data/chunks.server.ts";
import { visibleCodeFiles } from "../data/code-files.server.ts";
import { listRepoIds } from "../data/repos.server.ts";
import { errorMessage } from "../errors.ts";
import { log } from "../log.ts";
import { keyOfVector } from "../repos/keys.ts";
import { namespaces, queryText, type VectorHit } from "../upstash/vector.ts";
import { linesOf } from "./code.ts";

/** What can be searched: uploaded documents, generated artifacts, source code of connected repositories. */
export const SEARCH_TYPES = ["chunk", "artifact", "code"] as const;
export type SearchType = (typeof SEARCH_TYPES)[number];

export interface SearchQuery {
  readonly projectId: string;
  readonly query: string;
  /** How many hits at most, 1 to 50. */
  readonly topK: number;
  readonly types: readonly SearchType[];
}

interface Found {
  /** Higher is better; says something within one answer only. */
  readonly score: number;
  readonly text: string;
}

export type SearchHit =
  | (Found & {
      type: "chunk";
      chunkId: string;
      fileId: string;
      file: string;
      /** First and last page, from 1; null where the format has no pages. */
      pageStart: number | null;
      pageEnd: number | null;
      /** `title > heading > subheading`; empty when there is none. */
      heading: string;
    })
  | (Found & {
      type: "artifact";
      artifactId: string;
      kind: string;
      key: string;
      version: number;
      /** Whether a source that it cites has changed since it was written. */
      stale: boolean;
    })
  | (Found & {
      type: "code";
      repoId: string;
      /** With the repository it names this passage. */
      vectorId: string;
      path: string;
      language: string;
      commitSha: string;
      lineStart: number;
      lineEnd: number;
    });

export interface SearchAnswer {
  readonly hits: readonly SearchHit[];
  /** Set when the answer is worse than usual, and why. */
  readonly warning?: string;
}

/**
 * The best hits of a project over all its namespaces, by meaning and words together. When the vector store fails, the
 * documents are searched by words in Postgres and the answer says so. The caller has checked that the project may be seen.
 */
export async function search(query: SearchQuery): Promise<SearchAnswer> {
  const spaces = await namespacesOf(query);
  try {
    const found = await Promise.all(
      spaces.map((name) => queryText(name, query.query, query.topK + SPARE)),
    );
    const shown = await withoutUnseenCode(query.projectId, found.flat());
    const hits = await withSources(query.projectId, shown.sort(byScore));
    return { hits: hits.slice(0, query.topK) };
  } catch (error) {
    log.warn("vector search failed", { projectId: query.projectId, error: errorMessage(error) });
    const hits = query.types.includes("chunk") ? await searchWords(query) : [];
    return {
      hits,
      warning:
        "The vector store did not answer: these hits match by words alone, and artifacts and code are left out.",
    };
  }
}

/**
 * Hits that are asked for in each namespace beyond those wanted: vectors of what was removed, or replaced by what is newer, lie
 * beside the others until they are cleared, and what is not shown must not take the place of what is.
 */
const SPARE = 20;

async function namespacesOf({ projectId, types }: SearchQuery): Promise<string[]> {
  const names: string[] = [];
  if (types.includes("chunk")) names.push(namespaces.chunks(projectId));
  if (types.includes("artifact")) names.push(namespaces.artifacts(projectId));
  if (!types.includes("code")) return names;
  const repos = await listRepoIds({ projectId });
  return [...names, ...repos.map((id) => namespaces.repo(projectId, id))];
}

/** Code is shown of the commit that is indexed as a whole, never of one that is about to be or was before. */
async function withoutUnseenCode(
  projectId: string,
  found: readonly VectorHit[],
): Promise<VectorHit[]> {
  const fileOf = ({ id, metadata }: VectorHit) => {
    const key = metadata?.type === "code" ? keyOfVector(String(id)) : null;
    return key !== null && metadata?.type === "code" ? { repoId: metadata.repoId, key } : null;
  };
  const files = found.flatMap((hit) => fileOf(hit) ?? []);
  const visible = await visibleCodeFiles({ projectId, files });
  const seen = new Set(visible.map(({ repoId, key }) => `${repoId} ${key}`));
  return found.filter((hit) => {
    if (hit.metadata?.type !== "code") return true;
    const file = fileOf(hit);
    return file !== null && seen.has(`${file.repoId} ${file.key}`);
  });
}

/** Best first; the id decides a tie, so that the same question has the same answer. */
function byScore(a: VectorHit, b: VectorHit): number {
  return b.score - a.score || String(a.id).localeCompare(String(b.id), "en");
}

/** Rows are the truth: a vector whose chunk or latest version is no longer in the database is not shown. */
async function withSources(projectId: string, found: readonly VectorHit[]): Promise<SearchHit[]> {
  const ids = found.flatMap(({ metadata }) =>
    metadata?.type === "chunk" ? [metadata.chunkId] : [],
  );
  const [chunks, artifacts] = await Promise.all([
    chunkSources(projectId, ids),
    artifactSources(projectId, found),
  ]);
  return found.flatMap(({ id, metadata, score, data: text = "" }): SearchHit[] => {
    if (metadata?.projectId !== projectId) return [];
    if (metadata.type === "chunk") {
      const chunk = chunks.get(metadata.chunkId);
      return chunk ? [{ ...chunk, score }] : [];
    }
    if (metadata.type === "artifact") {
      const { artifactKind: kind, artifactKey: key, artifactVersion: version } = metadata;
      const row = artifacts.get(nameOf({ kind, key, version }));
      if (!row) return [];
      const { id: artifactId, stale } = row;
      return [{ type: "artifact", artifactId, kind, key, version, stale, score, text }];
    }
    const {
      repoId,
      path,
      language,
      commitSha,
      chunkStart: lineStart,
      chunkEnd: lineEnd,
    } = metadata;
    const place = { repoId, path, language, commitSha, lineStart, lineEnd };
    return [{ type: "code", vectorId: String(id), ...place, score, text: linesOf(text) }];
  });
}

async function searchWords({ projectId, query, topK }: SearchQuery): Promise<SearchHit[]> {
  const found = await fullTextSearch({ projectId, query, limit: topK });
  const chunks = await chunkSources(
    projectId,
    found.map((hit) => hit.chunkId),
  );
  return found.flatMap(({ chunkId, score }) => {
    const chunk = chunks.get(chunkId);
    return chunk ? [{ ...chunk, score }] : [];
  });
}

type ChunkSource = Omit<Extract<SearchHit, { type: "chunk" }>, "score">;

async function chunkSources(
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, ChunkSource>> {
  if (ids.length === 0) return new Map();
  const rows = await getChunksWithFile({ projectId, ids });
  return new Map(
    rows.map((row) => [
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

interface Version {
  readonly kind: string;
  readonly key: string;
  readonly version: number;
}

const nameOf = ({ kind, key, version }: Version) => JSON.stringify([kind, key, version]);

async function artifactSources(
  projectId: string,
  found: readonly VectorHit[],
): Promise<Map<string, { id: string; stale: boolean }>> {
  const versions = found.flatMap(({ metadata }): Version[] => {
    if (metadata?.type !== "artifact") return [];
    const { artifactKind: kind, artifactKey: key, artifactVersion: version } = metadata;
    return [{ kind, key, version }];
  });
  const rows = await latestOf({ projectId, versions });
  return new Map(
    rows.map(({ id, kind, logicalKey, version, stale }) => [
      nameOf({ kind, key: logicalKey, version }),
      { id, stale },
    ]),
  );
}
