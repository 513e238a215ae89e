import { latestOf } from "../data/artifact-lists.server.ts";
import { visibleCodeFiles } from "../data/code-files.server.ts";
import { listRepoIds } from "../data/repos.server.ts";
import { errorMessage, Unavailable } from "../errors.ts";
import { log } from "../log.ts";
import { keyOfVector } from "../repos/keys.ts";
import { namespaces, queryText, type VectorHit } from "../upstash/vector.ts";
import { linesOf } from "./code.ts";
import { type DocumentHit, findDocuments, findDocumentsByWords, SPARE } from "./documents.ts";

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
  | DocumentHit
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
  const { types, topK } = query;
  const spaces = await namespacesOf(query);
  try {
    const [documents, others] = await Promise.all([
      types.includes("chunk") ? findDocuments(query) : [],
      findOthers(query, spaces),
    ]);
    const ranked = [...documents, ...others].sort(byScore);
    return { hits: ranked.slice(0, topK).map(({ hit }) => hit) };
  } catch (error) {
    log.warn("vector search failed", { projectId: query.projectId, error: errorMessage(error) });
    const hits = types.includes("chunk") ? await findDocumentsByWords(query) : [];
    return {
      hits,
      warning:
        "The vector store did not answer: these hits match by words alone, and artifacts and code are left out.",
    };
  }
}

/** For whoever can wait, where a search says that it went without the vector store. */
export function vectorsUnavailable(projectId: string): Unavailable {
  // With its code: of an error that is tried again, the message is all that Inngest keeps.
  const what = "vectors_unavailable: The vector store does not answer.";
  return new Unavailable("vectors_unavailable", what, { projectId });
}

/** A hit with the id of its vector. */
interface Ranked {
  readonly id: string;
  readonly hit: SearchHit;
}

/** Best first; the id decides a tie, so that the same question has the same answer. */
function byScore(a: Ranked, b: Ranked): number {
  return b.hit.score - a.hit.score || a.id.localeCompare(b.id, "en");
}

/** The best artifacts and code, in no order. */
async function findOthers(
  { projectId, query, topK }: SearchQuery,
  spaces: readonly string[],
): Promise<Ranked[]> {
  const found = await Promise.all(spaces.map((name) => queryText(name, query, topK + SPARE)));
  return await withSources(projectId, await withoutUnseenCode(projectId, found.flat()));
}

/** Where artifacts and code are. */
async function namespacesOf({ projectId, types }: SearchQuery): Promise<string[]> {
  const names: string[] = [];
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

/** Rows are the truth: a vector whose latest version is no longer in the database is not shown. */
async function withSources(projectId: string, found: readonly VectorHit[]): Promise<Ranked[]> {
  const artifacts = await artifactSources(projectId, found);
  return found.flatMap(({ id: vector, metadata, score, data: text = "" }): Ranked[] => {
    const id = String(vector);
    if (metadata?.projectId !== projectId || metadata.type === "chunk") return [];
    if (metadata.type === "artifact") {
      const { artifactKind: kind, artifactKey: key, artifactVersion: version } = metadata;
      const row = artifacts.get(nameOf({ kind, key, version }));
      if (!row) return [];
      const { id: artifactId, stale } = row;
      const hit = { type: "artifact", artifactId, kind, key, version, stale, score, text } as const;
      return [{ id, hit }];
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
    return [{ id, hit: { type: "code", vectorId: id, ...place, score, text: linesOf(text) } }];
  });
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
