import { randomInt } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Client, until } from "#local/client.ts";
import { makeProject, type Residue, residue, type TestCloud, testCloud } from "./support/cloud.ts";

const DOCUMENTS = ["operations-manual.pdf", "security-review.docx", "release-notes.md"];
const sample = (name: string) => readFile(new URL(`../samples/${name}`, import.meta.url));

let world: TestCloud;
let client: Client;
/** What one calm ingestion of the documents leaves. */
let calm: Residue;

beforeAll(async () => {
  world = await testCloud();
  client = await world.client();
  await makeProject(client, "calm");
  calm = await settled(
    "calm",
    await client.send(...DOCUMENTS.map((name) => uploaded("calm", name))),
  );
}, 90_000);
afterAll(() => world?.close());

test("a calm ingestion leaves one row a file, and a vector for every chunk", () => {
  expect(calm.files.map(({ name, status }) => [name, status])).toEqual(
    DOCUMENTS.toSorted().map((name) => [name, "ingested"]),
  );
  expect(calm.chunks.length).toBeGreaterThan(10);
  expect(calm.chunks.every(({ indexed }) => indexed)).toBe(true);
  expect(calm.vectorsMatch).toBe(true);
});

test("the same event three times changes nothing", async () => {
  await makeProject(client, "thrice");
  const events = DOCUMENTS.map((name) => uploaded("thrice", name));
  const sent = await client.send(...events, ...events, ...events);
  expect(new Set(sent).size).toBe(9);
  expect(await settled("thrice", sent)).toEqual(calm);
});

test("the same bytes under another name are the same file", async () => {
  await makeProject(client, "renamed");
  await until("project", () => client.files("renamed").catch(() => null));
  const first = await Promise.all(
    DOCUMENTS.map(async (name) => client.upload("renamed", name, await sample(name))),
  );
  const second = await Promise.all(
    DOCUMENTS.map(async (name) => client.upload("renamed", `copy of ${name}`, await sample(name))),
  );
  expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  expect(second.map(({ aliases }) => aliases)).toEqual(
    DOCUMENTS.map((name) => [`copy of ${name}`]),
  );
  expect(await settled("renamed", [])).toEqual(calm);
});

test("killing the app or the engine at any moment leaves the same as a calm ingestion", async () => {
  const rounds: { projectId: string; sent: string[]; kill: string }[] = [];
  for (let round = 0; round < 10; round++) {
    const projectId = `killed-${round}`;
    await makeProject(client, projectId);
    const sent = await client.send(...DOCUMENTS.map((name) => uploaded(projectId, name)));
    // From the first event's arrival to past the end of a calm run on a slow machine. What is not done by then is hit by
    // the next kill too.
    const moment = randomInt(0, 1500);
    const victim = round % 2 === 0 ? "app" : "inngest";
    await sleep(moment);
    await world.cloud.restart(victim);
    rounds.push({ projectId, sent, kill: `${victim} killed after ${moment} ms` });
  }
  for (const { projectId, sent, kill } of rounds) {
    expect(await settled(projectId, sent), kill).toEqual(calm);
  }
}, 180_000);

function uploaded(projectId: string, name: string) {
  return {
    name: "file.uploaded",
    data: { projectId, name, url: `${world.cloud.appUrl}/samples/${name}` },
  };
}

/** The project's residue once every run of these events has ended and every document is there. */
async function settled(projectId: string, eventIds: readonly string[]): Promise<Residue> {
  await client.runs(eventIds);
  await until(`${projectId} ingested`, async () => {
    const files = await client.files(projectId).catch(() => []);
    return files.length === DOCUMENTS.length && files.every(({ status }) => status === "ingested");
  });
  return await residue(world, projectId, { withoutSwept: true });
}
