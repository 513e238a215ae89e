import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Client } from "#local/client.ts";
import { makeProject, type TestCloud, testCloud } from "./support/cloud.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let world: TestCloud;
let client: Client;

beforeAll(async () => {
  await promisify(execFile)(process.execPath, ["build.ts"], { cwd: root });
  world = await testCloud({ bundle: `${root}dist` });
  client = await world.client();
}, 120_000);
afterAll(() => world?.close());

test("what is deployed does the whole job: every parser, the chunker and the index from the bundle", async () => {
  const names = [
    "operations-manual.pdf",
    "security-review.docx",
    "launch-deck.pptx",
    "price-list.xlsx",
    "faq.html",
  ];
  await makeProject(client, "bundled");
  const sent = await client.send(
    ...names.map((name) => ({
      name: "file.uploaded",
      data: { projectId: "bundled", name, url: `${world.cloud.appUrl}/samples/${name}` },
    })),
  );
  await client.runs(sent);
  const files = await client.files("bundled");
  expect(
    files.map(({ name, status, rejectReason }) => [name, status, rejectReason]).sort(),
  ).toEqual(names.toSorted().map((name) => [name, "ingested", null]));
  const { hits, warning } = await client.search(
    "bundled",
    "How deep must the water be where a buoy is put out?",
  );
  expect(warning).toBeUndefined();
  expect(hits[0]?.file).toBe("operations-manual.pdf");
  expect([3, 4]).toContain(hits[0]?.pageStart);
  // Every parser starts cold, on a machine that runs other tests.
}, 60_000);

test("the documents that describe the API come out of the bundle too", async () => {
  const schemas = await client.call<Record<string, unknown>>("GET", "/api/events/schema");
  expect(Object.keys(schemas)).toContain("file.uploaded");
  const openapi = await client.call<{ paths: object }>("GET", "/api/openapi.json");
  expect(Object.keys(openapi.paths)).toContain("/api/search");
});

test("a cold start loads neither the AI SDK with the zod that it needs, nor the client of Vercel's API", async () => {
  const cold = await staticParts(`${root}dist/api`, "inngest.js");
  expect(cold.size).toBeGreaterThan(1);
  const sdk = await readFile(`${root}dist/api/ai-sdk.js`, "utf8");
  // A message of zod's in Hungarian stands for all that only the SDK uses.
  expect(sdk).toContain("bemenet");
  expect(await readFile(`${root}dist/api/vercel-api-sdk.js`, "utf8")).toContain("/v13/deployments");
  for (const code of cold.values()) {
    expect(code).not.toMatch(/bemenet|AI_APICallError|\/v13\/deployments/);
  }
});

/** The code of a file and of all that it imports at once, by name. */
async function staticParts(dir: string, name: string, found = new Map<string, string>()) {
  if (found.has(name)) return found;
  const code = await readFile(`${dir}/${name}`, "utf8");
  found.set(name, code);
  for (const [, other = ""] of code.matchAll(/\b(?:from|import)\s*"\.\/([^"]+\.js)"/g)) {
    await staticParts(dir, other, found);
  }
  return found;
}
