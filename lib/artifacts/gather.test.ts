import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { createProject } from "../data/projects.server.ts";
import { search } from "../retrieval/search.ts";
import { remediationFor } from "../runs/remediation.ts";
import { gatherSources } from "./gather.ts";

let database: TestDatabase;
let store: Server;
let dir: string;
/** What the vector store answers. */
let status = 503;
beforeAll(async () => {
  database = await testDatabase();
  store = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 200 ? { result: [] } : { error: "down", status }));
  });
  store.listen(0, "127.0.0.1");
  await once(store, "listening");
  const { port } = store.address() as AddressInfo;
  vi.stubEnv("UPSTASH_VECTOR_REST_URL", `http://127.0.0.1:${port}`);
  vi.stubEnv("UPSTASH_VECTOR_REST_TOKEN", "token");
  dir = await mkdtemp(join(tmpdir(), "gather-"));
  vi.stubEnv("BLOB_DIR", dir);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  store.close();
  await database.close();
  await rm(dir, { recursive: true });
});

test("a run waits for the vector store, where a search says that it went without", async () => {
  const { id: projectId } = await createProject({ ownerUserId: "ann", name: "P", slug: "p" });
  const work = { projectId, runId: "r", kind: "SPEC_CHAIN", logicalKey: "main" };
  const gather = () => gatherSources(work, { brief: "" });
  const failed = await gather().catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: "vectors_unavailable", retry: true });
  expect(remediationFor((failed as Error).message)).toContain("UPSTASH_VECTOR_REST_URL");
  const answer = await search({ projectId, query: "chain", topK: 3, types: ["chunk"] });
  expect(answer.warning).toContain("words alone");
  status = 200;
  const { sections } = await gather();
  expect(sections.map(({ chunkIds }) => chunkIds)).toEqual([[], [], [], []]);
});
