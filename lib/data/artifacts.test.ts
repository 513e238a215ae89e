import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { newId } from "../ids.ts";
import { type ArtifactKey, getLatestArtifact, publishArtifact } from "./artifacts.server.ts";
import { createProject } from "./projects.server.ts";

let database: TestDatabase;
let key: ArtifactKey;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  const { id: projectId } = await createProject({
    ownerUserId: "ann",
    name: "P",
    slug: newId("project"),
  });
  key = { projectId, kind: "spec", logicalKey: "main" };
});

const fifty = Array.from({ length: 50 }, (_, n) => n);

test("fifty different publishes at once are the versions 1 to 50", async () => {
  const results = await Promise.all(
    fifty.map((n) => publishArtifact({ ...key, content: `text ${n}` })),
  );
  const versions = results.map(({ artifact }) => artifact.version).sort((a, b) => a - b);
  expect(versions).toEqual(fifty.map((n) => n + 1));
  expect(results.every(({ created }) => created)).toBe(true);
  expect((await getLatestArtifact(key))?.version).toBe(50);
});

test("the same content fifty times at once is one version", async () => {
  const results = await Promise.all(fifty.map(() => publishArtifact({ ...key, content: "same" })));
  expect(new Set(results.map(({ artifact }) => artifact.id)).size).toBe(1);
  expect(results.filter(({ created }) => created)).toHaveLength(1);
});

test("content that comes back after another is a new version", async () => {
  const versions: number[] = [];
  for (const content of ["a", "b", "a", "a"]) {
    const { artifact } = await publishArtifact({ ...key, content, metadata: { content } });
    versions.push(artifact.version);
  }
  expect(versions).toEqual([1, 2, 3, 3]);
  expect(await getLatestArtifact(key)).toMatchObject({ content: "a", metadata: { content: "a" } });
});

test("each kind, key and project counts for itself", async () => {
  await publishArtifact({ ...key, content: "a" });
  const others = [
    { ...key, kind: "plan" },
    { ...key, logicalKey: "other" },
  ];
  for (const other of others) {
    expect(await getLatestArtifact(other)).toBeNull();
    expect((await publishArtifact({ ...other, content: "b" })).artifact.version).toBe(1);
  }
});

test("what the caller's transaction takes back was never published", async () => {
  const undone = db().transaction(async (tx) => {
    await publishArtifact({ ...key, content: "a" }, tx);
    throw new Error("take it back");
  });
  await expect(undone).rejects.toThrow("take it back");
  expect((await publishArtifact({ ...key, content: "b" })).artifact.version).toBe(1);
});
