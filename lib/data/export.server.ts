import { asc, desc, eq, getTableColumns, inArray, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { artifacts, citations } from "#db/schema.ts";

/** A version of an artifact as an export needs it, without its text. */
export interface ExportedVersion {
  readonly id: string;
  readonly runId: string | null;
  readonly kind: string;
  readonly key: string;
  readonly version: number;
  /** Of its text in UTF-8. */
  readonly sha256: string;
  /** Of its text in UTF-8. */
  readonly bytes: number;
}

/** The latest version of each artifact of a project as of one moment, at most `limit`. Versions never change afterwards. */
export async function latestVersions(
  { projectId, limit }: { projectId: string; limit: number },
  executor: Executor = db(),
): Promise<ExportedVersion[]> {
  const { id, runId, kind, logicalKey, version, contentSha256, content } = artifacts;
  return await executor
    .selectDistinctOn([kind, logicalKey], {
      ...{ id, runId, kind, key: logicalKey, version, sha256: contentSha256 },
      bytes: sql<number>`octet_length(${content})`,
    })
    .from(artifacts)
    .where(eq(artifacts.projectId, projectId))
    .orderBy(asc(kind), asc(logicalKey), desc(version))
    .limit(limit);
}

/** The texts of some versions by their ids; those that are gone are missing. The caller bounds how many and how much. */
export async function readTexts(
  ids: readonly string[],
  executor: Executor = db(),
): Promise<Map<string, string>> {
  const { id, content } = artifacts;
  const rows = await executor
    .select({ id, content })
    .from(artifacts)
    .where(inArray(id, [...ids]));
  return new Map(rows.map((row) => [row.id, row.content]));
}

const { artifactId, createdAt, ...columns } = getTableColumns(citations);

/**
 * What a citation copied when it was written: place, hashes and quote of its source, whatever kind of source. No ids: those
 * of what it cites become null when that is removed or read anew, and its own say nothing.
 */
const PINNED = Object.fromEntries(
  Object.entries(columns).filter(([name]) => !/(?:^i|I)d$/.test(name)),
);

/** The fields of a citation that never change; those that its kind of source does not have are absent. */
export type ExportedCitation = Readonly<Record<string, unknown>>;

/**
 * The citations of some versions by the versions' ids, in the order of their numbers: none for one that has none. Versions that
 * are gone are missing, which is asked in the same statement: theirs go with them.
 */
export async function readPinned(
  ids: readonly string[],
  executor: Executor = db(),
): Promise<Map<string, ExportedCitation[]>> {
  const { id } = artifacts;
  const rows = await executor
    .select({ id, citation: PINNED })
    .from(artifacts)
    .leftJoin(citations, eq(artifactId, id))
    .where(inArray(id, [...ids]))
    .orderBy(asc(id), asc(citations.ordinal));
  const found = new Map<string, ExportedCitation[]>();
  for (const row of rows) {
    const known = found.get(row.id) ?? [];
    found.set(row.id, known);
    const fields = Object.entries(row.citation ?? {}).filter(([, value]) => value !== null);
    if (fields.length > 0) known.push(Object.fromEntries(fields));
  }
  return found;
}
