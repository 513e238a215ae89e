import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { until } from "../client.ts";
import { client } from "./people.ts";
import { type At, hub, refused } from "./testing.ts";

// Processes of git start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let world: Awaited<ReturnType<typeof hub>>;
let at: At;
let sha: string;
let count = 0;
beforeAll(async () => {
  world = await hub();
  await world.octokit.rest.repos.createForAuthenticatedUser({ name: "shop", auto_init: true });
  at = { owner: "acme", repo: "shop" };
  sha = (await world.octokit.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.control("DELETE", "/_faults"));

const order = (fault: object) => world.control("PUT", "/_faults", fault);
const create = (name: string, signal?: AbortSignal) =>
  world.octokit.rest.git.createRef({
    ...{ ...at, ref: `refs/heads/${name}`, sha },
    request: { signal },
  });
const there = async (name: string) => {
  const { data } = await world.octokit.rest.git.listMatchingRefs({ ...at, ref: `heads/${name}` });
  return data.length === 1;
};

test.each([
  ["before", 502, false],
  ["after", 502, true],
  ["error500", 500, false],
  ["rate", 403, false],
  ["close", 500, false],
  ["close-after", 500, true],
  ["hang", 500, false],
  ["hang-after", 500, true],
] as const)("%s: %i, done: %s, and only once", async (fault, status, done) => {
  const name = `f${count++}`;
  await order({ repo: "acme/shop", path: "/git/refs", fault, ms: 50 });
  // No answer at all is 500 for the client.
  expect((await refused(create(name)))[0]).toBe(status);
  expect(await there(name)).toBe(done);
  if (done) expect((await refused(create(name)))[1]).toBe("Reference already exists");
  else await create(name);
  expect(await there(name)).toBe(true);
});

test("a secondary rate limit says when to come again", async () => {
  await order({ fault: "rate", method: "GET" });
  await expect(world.octokit.rest.repos.get(at)).rejects.toMatchObject({
    ...{ status: 403, response: { headers: { "retry-after": "1" } } },
  });
});

test("faults strike what they were set on: repository, method, path, reads or writes", async () => {
  await order({ repo: "acme/other", fault: "before" });
  await order({ method: "PUT", fault: "before" });
  await order({ path: "/merge", fault: "before" });
  await order({ on: "read", path: "/branches", fault: "before" });
  await create("apart");
  expect(await there("apart")).toBe(true);
  expect((await refused(world.octokit.rest.repos.listBranches(at)))[0]).toBe(502);
  expect((await world.octokit.rest.repos.listBranches(at)).status).toBe(200);
});

test("delayed reads: a branch and a pull request are there, and readers see them later", async () => {
  const path = "seen.txt";
  await create("seen");
  const file = { ...at, path, branch: "seen", message: "m", content: btoa("1") };
  await world.octokit.rest.repos.createOrUpdateFileContents(file);
  await order({ fault: "delayed-reads", ms: 600_000, times: 2 });
  await create("late");
  const pull = { ...at, title: "t", head: "seen", base: "main" };
  const { data: opened } = await world.octokit.rest.pulls.create(pull);
  const list = async () =>
    (await world.octokit.rest.pulls.list({ ...at, head: "acme:seen", state: "all" })).data;
  expect(await list()).toEqual([]);
  const get = { ...at, pull_number: opened.number };
  expect((await refused(world.octokit.rest.pulls.get(get)))[0]).toBe(404);
  expect(await there("late")).toBe(false);
  expect((await refused(create("late")))[1]).toBe("Reference already exists");
  await world.control("DELETE", "/_faults");
  expect(await there("late")).toBe(true);
  expect(await list()).toHaveLength(1);
  await order({ fault: "delayed-reads", ms: 50 });
  await create("later");
  await until("readers see it", () => there("later"));
});

test("git over HTTP fails on demand too; orders need the token of the server", async () => {
  await order({ path: "/info/refs", on: "read", fault: "before" });
  await expect(world.cloned(at)).rejects.toThrow(/502/);
  await world.cloned(at);
  const { token } = await world.control<{ token: string }>("PUT", "/_tokens", { login: "bea" });
  expect((await client(world.api, token).rest.repos.get(at)).status).toBe(200);
  const headers = { authorization: `Bearer ${token}` };
  const body = JSON.stringify({ fault: "before" });
  const response = await fetch(`${world.url}/_faults`, { method: "PUT", headers, body });
  expect(response.status).toBe(401);
  await expect(order({ fault: "nonsense" })).rejects.toThrow(/422/);
});
