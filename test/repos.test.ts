import { eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { auditEntries, codeFiles, repos } from "#db/schema.ts";
import { repoPushed } from "#lib/events/catalogue/repos.ts";
import { event } from "#lib/events/emit.ts";
import { type Client, until } from "#local/client.ts";
import { makeProject, type TestCloud, testCloud } from "./support/cloud.ts";
import { type TestRepository, testRepository } from "./support/repository.ts";

interface ApiRepo {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly cloneUrl: string;
  readonly index: {
    readonly state: string;
    readonly commitSha: string | null;
    readonly files: number;
    readonly chunks: number;
    readonly skipped: Record<string, number>;
    readonly error: string | null;
  };
}

interface Hit {
  readonly type: string;
  readonly path: string;
  readonly commitSha: string;
  readonly lineStart: number;
  readonly lineEnd: number;
  readonly text: string;
}

/** Large enough to be parsed, by the parser that lies beside the bundle. */
const LARGE = Array.from(
  { length: 80 },
  (_, i) => `export function part${i}() {\n  return ${i};\n}\n`,
).join("");

let world: TestCloud;
let client: Client;
const open: TestRepository[] = [];

beforeAll(async () => {
  world = await testCloud();
  client = await world.client();
}, 90_000);
afterAll(async () => {
  await Promise.all(open.map((one) => one.close()));
  await world?.close();
});

async function repository(name: string): Promise<TestRepository> {
  const made = await testRepository(name, world.cloud.env);
  open.push(made);
  return made;
}

const list = async (projectId: string) =>
  (await client.call<{ items: ApiRepo[] }>("GET", `/api/projects/${projectId}/repos`)).items;

/** Waits until the only repository of a project is indexed at a commit. */
async function indexed(projectId: string, commitSha: string): Promise<ApiRepo> {
  return await until(`the index of ${commitSha}`, async () => {
    const [repo] = await list(projectId).catch(() => []);
    return repo?.index.commitSha === commitSha && repo.index.state === "indexed" ? repo : null;
  });
}

async function search(projectId: string, words: string): Promise<Hit[]> {
  const query = new URLSearchParams({ projectId, q: words, types: "code", topK: "20" });
  return (await client.call<{ hits: Hit[] }>("GET", `/api/search?${query}`)).hits;
}

async function vectorIds(projectId: string, repoId: string): Promise<string[]> {
  const namespace = `project:${projectId}:repo:${repoId}`;
  if (!(await world.vectors.listNamespaces()).includes(namespace)) return [];
  const page = await world.vectors.range({ cursor: "0", limit: 1000 }, { namespace });
  return page.vectors.map(({ id }) => String(id)).sort();
}

/** What rows say which vectors there should be. */
async function expectedIds(repoId: string): Promise<string[]> {
  const rows = await world.database.select().from(codeFiles).where(eq(codeFiles.repoId, repoId));
  return rows
    .flatMap(({ key, chunkCount }) =>
      Array.from({ length: chunkCount ?? 0 }, (_, i) => `code_${key}_${i}`),
    )
    .sort();
}

const connect = (projectId: string, { owner, name }: { owner: string; name: string }) =>
  client.send({ name: "repo.connected", data: { projectId, owner, name } });

test("a repository is connected before its project is there, twice and in any case, and is one; its code is found", async () => {
  const shop = await repository("shop");
  const tax = "export function taxOf(price: number): number {\n  return price * 0.19;\n}\n";
  const sha = await shop.push({
    "src/tax.ts": tax,
    "README.md": "# A shop\n\nSells bicycles.\n",
    "src/large.ts": LARGE,
  });
  const { owner, name } = shop;
  const ids = await connect("p-shop", { owner: owner.toUpperCase(), name });
  ids.push(...(await connect("p-shop", { owner, name: "Shop" })));
  await makeProject(client, "p-shop");
  await client.runs(ids);
  const repo = await indexed("p-shop", sha);
  expect(await list("p-shop")).toHaveLength(1);
  expect(repo).toMatchObject({ owner, name, index: { files: 3, skipped: {}, error: null } });
  expect(repo.cloneUrl).not.toContain("@");

  const [hit] = await search("p-shop", "taxOf price");
  expect(hit).toMatchObject({
    ...{ type: "code", path: "src/tax.ts", language: "typescript", commitSha: sha },
    ...{ lineStart: 1, lineEnd: 3, repoId: repo.id, text: tax.trimEnd() },
  });
  const [found] = await world.vectors.query(
    { data: "taxOf", topK: 1, includeMetadata: true },
    { namespace: `project:p-shop:repo:${repo.id}` },
  );
  expect(Object.keys(found?.metadata ?? {}).sort()).toEqual([
    ...["chunkEnd", "chunkStart", "commitSha", "language", "path", "projectId", "repoId", "type"],
  ]);
  const entries = await world.database
    .select()
    .from(auditEntries)
    .where(eq(auditEntries.projectId, "p-shop"));
  expect(entries.filter(({ action }) => action === "repo.connected")).toHaveLength(1);
}, 90_000);

test("what is not there, or is no repository's name, is refused and recorded", async () => {
  await makeProject(client, "p-refused");
  const bad = [
    { owner: "acme", name: "none" },
    { owner: "acme", name: "../shop" },
    { owner: "https://github.com/acme", name: "shop" },
  ];
  for (const wish of bad) await client.runs(await connect("p-refused", wish));
  expect(await list("p-refused")).toEqual([]);
  const entries = await world.database
    .select()
    .from(auditEntries)
    .where(eq(auditEntries.projectId, "p-refused"))
    .orderBy(auditEntries.seq);
  const refused = entries.filter(({ action }) => action === "repo.refused");
  expect(refused.map(({ payload }) => (payload as { reason: string }).reason)).toEqual([
    ...["github_not_found", "bad_repository_name", "bad_repository_name"],
  ]);
}, 90_000);

test("a push indexes what changed alone; other branches, old and repeated pushes change nothing", async () => {
  const lib = await repository("lib");
  const files = (changed: string) => ({
    ...Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`src/f${i}.ts`, `export const word${i} = "sheep";\n`]),
    ),
    "src/changing.ts": `export const ${changed} = "wolf";\n`,
    "bin/tool.png": "\u0089PNG",
  });
  const first = await lib.push(files("before"));
  await makeProject(client, "p-lib");
  await connect("p-lib", lib);
  const { id: repoId } = await indexed("p-lib", first);
  const rowsBefore = await world.database
    .select()
    .from(codeFiles)
    .where(eq(codeFiles.repoId, repoId));

  // The webhook says so.
  const second = await lib.push({
    ...files("after"),
    "src/new.ts": "export const brandNew = 1;\n",
  });
  const repo = await indexed("p-lib", second);
  expect(repo.index).toMatchObject({ files: 14, skipped: { binary: 1 } });
  const rows = await world.database.select().from(codeFiles).where(eq(codeFiles.repoId, repoId));
  const kept = rows.filter((row) => row.commitSha === first && row.toGeneration === null);
  expect(kept).toHaveLength(12);
  // The very same rows: nobody has written them again.
  for (const row of kept) expect(rowsBefore).toContainEqual(row);
  expect((await search("p-lib", "before wolf")).map(({ text }) => text).join()).not.toContain(
    "before",
  );
  const [hit] = await search("p-lib", "after wolf");
  expect(hit).toMatchObject({ path: "src/changing.ts", commitSha: second });
  await until("the old vectors to be gone", async () =>
    JSON.stringify(await vectorIds("p-lib", repoId)) === JSON.stringify(await expectedIds(repoId))
      ? true
      : null,
  );

  const settled = await world.database.select().from(repos).where(eq(repos.id, repoId));
  const pushes = [
    { ref: "refs/heads/main", commitSha: first },
    { ref: "refs/heads/main", commitSha: second },
    { ref: "refs/heads/other", commitSha: "f".repeat(40) },
  ].map((push) => ({ name: "repo.pushed", data: { projectId: "p-lib", repoId, ...push } }));
  await client.runs(await client.send(...pushes, ...pushes), 60);
  expect(await world.database.select().from(repos).where(eq(repos.id, repoId))).toEqual(settled);

  // Back to how it was: what was removed is there again.
  const third = await lib.push(files("before"));
  await indexed("p-lib", third);
  expect((await search("p-lib", "before wolf"))[0]).toMatchObject({
    path: "src/changing.ts",
    commitSha: third,
  });
}, 90_000);

test("a push whose delivery came to nothing is found some hours later; what has not changed, or cannot be asked, stays as it is", async () => {
  const lost = await repository("lost");
  const first = await lost.push({ "a.ts": "export const a = 1;\n" });
  await makeProject(client, "p-lost");
  await connect("p-lost", lost);
  const { id: repoId, owner } = await indexed("p-lost", first);
  const row = eq(repos.id, repoId);
  const named = (to: string) => world.database.update(repos).set({ owner: to }).where(row);
  const facts = async () => {
    const [repo] = await world.database.select().from(repos).where(row);
    const { updatedAt, ...rest } = repo ?? expect.fail("the repository is gone");
    return { looked: updatedAt.toISOString(), rest };
  };
  /** Runs the sweeper as some hours later. */
  async function swept(): Promise<void> {
    const updatedAt = sql`now() - interval '7 hours'`;
    await world.database.update(repos).set({ updatedAt }).where(row);
    const sweep = `${world.cloud.inngestUrl}/invoke/countersign-sweep-repos`;
    const response = await fetch(sweep, { method: "POST", body: "{}" });
    const { id } = (await response.json()) as { id: string };
    expect(await client.runs([id])).toEqual(["Completed"]);
  }
  /** The same, and ends when the index has answered what woke it. */
  async function looked(commitSha: string): Promise<void> {
    await swept();
    const push = { projectId: "p-lost", repoId, ref: "refs/heads/main", commitSha };
    await client.runs([event(repoPushed, push, `sweep ${(await facts()).looked}`).id]);
  }

  // Nobody answers to the name that the delivery says.
  await named("somebody-else");
  const second = await lost.push({ "a.ts": "export const b = 2;\n" });
  await until("the delivery", () => delivered(second));
  await named(owner);
  await swept();
  await indexed("p-lost", second);

  const settled = await facts();
  await looked(second);
  expect((await facts()).rest).toEqual(settled.rest);
  expect((await facts()).looked).not.toBe(settled.looked);

  // As GitHub answers whose token has expired: there is no such repository.
  await named("somebody-else");
  await looked(second);
  await named(owner);
  expect((await facts()).rest).toEqual(settled.rest);
}, 90_000);

/** Whether the webhook of a push has been answered; null when not yet. */
async function delivered(commitSha: string): Promise<true | null> {
  const { GITHUB_API_URL = "", GITHUB_TOKEN } = world.cloud.env;
  const headers = { authorization: `Bearer ${GITHUB_TOKEN}` };
  const response = await fetch(new URL("/_deliveries", GITHUB_API_URL), { headers });
  const { deliveries } = (await response.json()) as {
    deliveries: { event: string; body: string; state: string }[];
  };
  const mine = deliveries.find(
    ({ event, body }) => event === "push" && JSON.parse(body).after === commitSha,
  );
  return mine?.state === "delivered" ? true : null;
}

test("an app that is killed while it indexes leaves the same as one that is not", async () => {
  const big = await repository("big");
  const files = Object.fromEntries(
    Array.from({ length: 120 }, (_, i) => [
      `src/m${i}.ts`,
      `export const module${i} = ${i}; // ${"word ".repeat(60)}\n`,
    ]),
  );
  const sha = await big.push(files);
  await makeProject(client, "p-killed");
  await connect("p-killed", big);
  const repoId = await until(
    "the repository",
    async () => (await list("p-killed").catch(() => []))[0]?.id ?? null,
  );
  for (const share of [0.1, 0.5]) {
    await until("some vectors", async () =>
      (await vectorIds("p-killed", repoId)).length > 120 * share ? true : null,
    );
    // Half an index is never seen.
    expect(await search("p-killed", "module word")).toEqual([]);
    await world.cloud.restart("app");
  }
  const repo = await indexed("p-killed", sha);
  expect(repo.index).toMatchObject({ files: 120, chunks: 120, skipped: {} });
  expect(await vectorIds("p-killed", repoId)).toEqual(await expectedIds(repoId));
  expect(await search("p-killed", "module word")).toHaveLength(20);
}, 90_000);

test("a commit whose plan was all that came to be is written by whoever is woken for it", async () => {
  const half = await repository("half");
  const sha = await half.push({
    "a.ts": "export const left = 1;\n",
    "b.ts": "export const b = 2;\n",
  });
  await makeProject(client, "p-half");
  await connect("p-half", half);
  const { id: repoId } = await indexed("p-half", sha);
  const namespace = `project:p-half:repo:${repoId}`;
  // As it is when the app dies between the plan's commit and the step's answer, or the vectors cannot be written for good.
  await world.vectors.delete(await vectorIds("p-half", repoId), { namespace });
  await world.database
    .update(codeFiles)
    .set({ indexedAt: null, chunkCount: null })
    .where(eq(codeFiles.repoId, repoId));
  await world.database
    .update(repos)
    .set({ indexingCommit: sha, indexedCommit: null, indexGeneration: 0 })
    .where(eq(repos.id, repoId));

  const data = { projectId: "p-half", repoId, ref: "refs/heads/main", commitSha: sha };
  await client.send({ name: "repo.pushed", data });
  const repo = await indexed("p-half", sha);
  expect(repo.index).toMatchObject({ files: 2, chunks: 2 });
  expect(await vectorIds("p-half", repoId)).toEqual(await expectedIds(repoId));
  expect((await search("p-half", "left"))[0]).toMatchObject({ path: "a.ts", commitSha: sha });
}, 90_000);

test("a project that is deleted leaves neither rows nor vectors of its code", async () => {
  const gone = await repository("gone");
  const sha = await gone.push({ "a.ts": "export const a = 1;\n" });
  await makeProject(client, "p-gone");
  await connect("p-gone", gone);
  const { id: repoId } = await indexed("p-gone", sha);
  expect(await vectorIds("p-gone", repoId)).toHaveLength(1);
  await client.runs(
    await client.send({ name: "project.deleted", data: { projectId: "p-gone", by: "owner" } }),
  );
  expect(await world.database.select().from(codeFiles).where(eq(codeFiles.repoId, repoId))).toEqual(
    [],
  );
  expect(await vectorIds("p-gone", repoId)).toEqual([]);
  const [last] = (
    await world.database.select().from(auditEntries).where(eq(auditEntries.projectId, "p-gone"))
  ).sort((a, b) => b.seq - a.seq);
  expect(last?.payload).toMatchObject({ rows: { code_files: 1, repos: 1 } });
}, 90_000);
