import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { startVectorStore, type VectorStore } from "../../test/support/vector-store.ts";
import { createProject } from "../data/projects.server.ts";
import { search } from "../retrieval/search.ts";
import { remediationFor } from "../runs/remediation.ts";
import { gatherSources } from "./gather.ts";

let database: TestDatabase;
let store: VectorStore;
let dir: string;
beforeAll(async () => {
  [database, store] = await Promise.all([testDatabase(), startVectorStore()]);
  dir = await mkdtemp(join(tmpdir(), "gather-"));
  vi.stubEnv("BLOB_DIR", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await store.close();
  await database.close();
  await rm(dir, { recursive: true });
});

test("a run waits for the vector store, where a search says that it went without", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "ann", name: "P", slug: "p" });
  const work = { projectId, runId: "r", kind: "SPEC_CHAIN", logicalKey: "main" };
  store.status = 503;
  const gather = () => gatherSources(work, { brief: "" });
  const failed = await gather().catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "vectors_unavailable", retry: true });
  expect(remediationFor((failed as Error).message)).toContain("UPSTASH_VECTOR_REST_URL");
  const answer = await search({ projectId, query: "chain", topK: 3, types: ["chunk"] });
  expect(answer.warning).toContain("words alone");
  store.status = 200;
  const { sections } = await gather();
  expect(sections.map(({ chunkIds }) => chunkIds)).toEqual([[], [], [], []]);
});
