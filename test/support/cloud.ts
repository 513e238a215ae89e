import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Index } from "@upstash/vector";
import { eq } from "drizzle-orm";
import { inject } from "vitest";
import { type Db, openDatabase } from "#db/client.ts";
import { fileChunks, fileRemovals, projectFiles } from "#db/schema.ts";
import { Client } from "#local/client.ts";
import { type Cloud, type CloudOptions, startCloud } from "#local/cloud.ts";
import { freshDatabase } from "../setup/database.ts";
import { freshIndex } from "../setup/vectors.ts";

/** A local cloud of its own for a test file, with what looks behind it. */
export interface TestCloud {
  readonly cloud: Cloud;
  readonly database: Db;
  readonly vectors: Index;
  /** Lines that the app and the parts printed: shown when a test fails. */
  readonly lines: readonly string[];
  client(userId?: string): Promise<Client>;
  close(): Promise<void>;
}

/**
 * A cloud of its own with the app as it is deployed, in a database and a vector index of its own of the test run's servers.
 * @param options.ownStores whether it has a database and a vector server of its own instead, whose files are below its directory
 */
export async function testCloud(
  options: Partial<CloudOptions> & { ownStores?: boolean } = {},
): Promise<TestCloud> {
  const { ownStores = false, ...more } = options;
  const dir = await mkdtemp(join(tmpdir(), "countersign-cloud-"));
  const lines: string[] = [];
  const shared = ownStores
    ? undefined
    : { database: await freshDatabase(), vectors: await freshIndex() };
  const cloud = await startCloud({
    dir,
    durable: false,
    bundle: inject("bundle"),
    ...shared,
    env: { FILE_URL_HOSTS: "127.0.0.1", FETCH_ALLOW_LOOPBACK_HTTP: "1" },
    onLine: (line) => lines.push(line),
    ...more,
  });
  const { DATABASE_URL: url = "", NEON_WS_PROXY: wsProxy } = cloud.env;
  const database = openDatabase({ url, wsProxy }, { poolSize: 2 });
  return {
    cloud,
    database,
    vectors: new Index({
      url: cloud.env.UPSTASH_VECTOR_REST_URL,
      token: cloud.env.UPSTASH_VECTOR_REST_TOKEN,
      enableTelemetry: false,
    }),
    lines,
    client: (userId = OWNER) => Client.of(userId, cloud),
    async close() {
      await database.$client.end();
      await cloud.close();
      await shared?.vectors.drop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const OWNER = "owner";

/** Makes a project by event and waits until it can be seen. */
export async function makeProject(client: Client, projectId: string, owner = OWNER): Promise<void> {
  const data = { projectId, name: projectId, slug: projectId, owner };
  await client.send({ name: "project.created", data });
}

/** All that a project's ingestion left behind, without ids that differ from row to row. */
export interface Residue {
  readonly files: {
    name: string;
    status: string;
    sha256: string | null;
    chunkCount: number | null;
  }[];
  readonly chunks: { sha256: string; ordinal: number; content: string; indexed: boolean }[];
  /** Whether there is exactly one vector for each chunk row. */
  readonly vectorsMatch: boolean;
  readonly blobs: number;
}

/** @param options.withoutSwept leaves out blobs of removed files that are on the sweeper's list: a kill may leave such */
export async function residue(
  { database, vectors, cloud }: TestCloud,
  projectId: string,
  { withoutSwept = false } = {},
): Promise<Residue> {
  const files = await database
    .select()
    .from(projectFiles)
    .where(eq(projectFiles.projectId, projectId));
  const chunks = await database
    .select()
    .from(fileChunks)
    .where(eq(fileChunks.projectId, projectId));
  const ids = await vectorIds(vectors, projectId);
  const swept = withoutSwept ? await removedFiles(database, projectId) : [];
  const rowIds = chunks.map(({ id }) => id).sort();
  return {
    files: files
      .map(({ name, status, sha256, chunkCount }) => ({ name, status, sha256, chunkCount }))
      .sort((a, b) => a.name.localeCompare(b.name)),
    chunks: chunks
      .map(({ fileSha256: sha256, ordinal, content, indexedAt }) => ({
        sha256,
        ordinal,
        content,
        indexed: indexedAt !== null,
      }))
      .sort((a, b) => a.sha256.localeCompare(b.sha256) || a.ordinal - b.ordinal),
    vectorsMatch: JSON.stringify(ids) === JSON.stringify(rowIds),
    blobs: await blobCount(join(cloud.env.BLOB_DIR ?? "", "projects", projectId), swept),
  };
}

async function vectorIds(vectors: Index, projectId: string): Promise<string[]> {
  const namespace = `project:${projectId}:chunks`;
  if (!(await vectors.listNamespaces()).includes(namespace)) return [];
  const ids: string[] = [];
  for (let cursor = "0"; ; ) {
    const page = await vectors.range({ cursor, limit: 500 }, { namespace });
    ids.push(...page.vectors.map(({ id }) => String(id)));
    if (page.nextCursor === "") return ids.sort();
    cursor = page.nextCursor;
  }
}

async function removedFiles(database: Db, projectId: string): Promise<string[]> {
  const { fileId } = fileRemovals;
  const of = eq(fileRemovals.projectId, projectId);
  return (await database.select({ fileId }).from(fileRemovals).where(of)).map((row) => row.fileId);
}

async function blobCount(dir: string, swept: readonly string[]): Promise<number> {
  try {
    const entries = await readdir(dir, { recursive: true, withFileTypes: true });
    const left = entries.filter((entry) => !swept.some((id) => entry.parentPath.includes(id)));
    return left.filter((entry) => entry.isFile()).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
