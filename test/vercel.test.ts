import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { buildLog } from "#lib/vercel/build-log.ts";
import {
  cancelDeployment,
  deleteDeployment,
  findDeployment,
  promoteDeployment,
  readDeployment,
  rollBackTo,
} from "#lib/vercel/deployments.ts";
import {
  listVariables,
  putVariables,
  removeVariable,
  variablesFor,
} from "#lib/vercel/environment.ts";
import { createProject, deleteProject, listProjects, readProject } from "#lib/vercel/projects.ts";
import { cloud, page } from "#local/vercel/testing.ts";

// Builds start a sandbox and npm, slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let world: Awaited<ReturnType<typeof cloud>>;
const { signal } = new AbortController();

beforeAll(async () => {
  world = await cloud();
  Object.assign(process.env, world.env);
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.control("DELETE", "/_faults");
  await world.control("PUT", "/_hold", {});
});

test("a project is made once with its marker, found by name and id, listed, and removed", async () => {
  const made = await world.project();
  expect(made).toMatchObject({ repository: "acme/shop", marker: `eff_${made.name}` });
  expect(made).toMatchObject({ productionDeploymentId: null, productionUrl: null });
  expect(made.automatic).toBe(false);
  expect(await readProject(made.name, signal)).toEqual(made);
  expect(await readProject(made.id, signal)).toEqual(made);
  const repository = { owner: "acme", repo: "shop" };
  const twice = createProject({ name: made.name, repository, marker: "other" }, signal);
  await expect(twice).rejects.toMatchObject({
    ...{ name: "Conflict", code: "vercel_conflict", context: { status: 409 } },
  });
  const { marker: _, ...facts } = made;
  expect(await listProjects(signal)).toContainEqual(facts);
  await deleteProject(made.id, signal);
  await deleteProject(made.id, signal);
  expect(await readProject(made.name, signal)).toBeNull();
});

test("a commit is built, staged, promoted, and rolled back from; each is really served", async () => {
  const at = await world.project();
  const sha = await world.commit();
  const first = await world.deploy(at, { marker: "eff_first" });
  expect(first).toMatchObject({ projectId: at.id, sha, marker: "eff_first", error: null });
  expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await world.reached(first.id)).toEqual({ ...first, state: "ready" });
  expect(await page(first.url)).toBe("200 <h1>First</h1>");
  // It is only staged.
  expect(await readProject(at.id, signal)).toMatchObject({ productionDeploymentId: null });
  await promoteDeployment(at.id, first.id, signal);
  const served = await readProject(at.id, signal);
  expect(served?.productionDeploymentId).toBe(first.id);
  const production = served?.productionUrl ?? "";
  expect(await page(`${production}/index.html?x=1`)).toBe("200 <h1>First</h1>");

  await world.github.push(world.at, "main", { "page.html": "<h1>Second</h1> {names}\n" });
  const second = await world.deploy(at);
  expect((await world.reached(second.id)).state).toBe("ready");
  expect(await page(production)).toBe("200 <h1>First</h1>");
  await promoteDeployment(at.id, second.id, signal);
  expect(await page(production)).toBe("200 <h1>Second</h1>");
  await rollBackTo(at.id, first.id, signal);
  expect(await readProject(at.id, signal)).toEqual(served);
  expect(await page(production)).toBe("200 <h1>First</h1>");
  expect(await page(second.url)).toBe("200 <h1>Second</h1>");

  // Exactly the commit that was asked for, though main has moved on.
  const old = await world.deploy(at, { sha });
  await world.reached(old.id);
  expect(await page(old.url)).toBe("200 <h1>First</h1>");
  await deleteDeployment(old.id, signal);
  await deleteDeployment(old.id, signal);
  expect(await readDeployment(old.id, signal)).toBeNull();
  await expect(fetch(old.url)).rejects.toThrow();
});

test("also where production serves every build, ours waits for its promotion", async () => {
  const name = "automatic";
  await world.control("POST", "/v11/projects", {
    ...{ name, gitRepository: { type: "github", repo: "acme/shop" } },
  });
  const at = await readProject(name, signal);
  if (!at) throw new Error("it is not there");
  expect(at).toMatchObject({ automatic: true, marker: null });
  const made = await world.deploy(at);
  await world.reached(made.id);
  expect(await readProject(name, signal)).toMatchObject({ productionDeploymentId: null });

  // Whoever deploys otherwise is served at once.
  const { org, repo, sha } = { org: "acme", repo: "shop", sha: await world.commit() };
  const { id } = await world.control<{ id: string }>("POST", "/v13/deployments?forceNew=1", {
    ...{ name, target: "production", gitSource: { type: "github", org, repo, ref: "main", sha } },
  });
  await world.reached(id);
  expect(await readProject(name, signal)).toMatchObject({ productionDeploymentId: id });
});

test("a promotion that Vercel has not fulfilled yet is not in production", async () => {
  const at = await world.project();
  const made = await world.deploy(at);
  await world.reached(made.id);
  await world.control("PUT", "/_hold", { promotions: true });
  await promoteDeployment(at.id, made.id, signal);
  expect(await readProject(at.id, signal)).toMatchObject({ productionDeploymentId: null });
  await world.control("PUT", "/_hold", {});
  expect(await readProject(at.id, signal)).toMatchObject({ productionDeploymentId: made.id });
});

test("what cannot be served in production is refused, and so is going back to what never was", async () => {
  const at = await world.project();
  const staged = await world.deploy(at);
  await world.reached(staged.id);
  await expect(rollBackTo(at.id, staged.id, signal)).rejects.toMatchObject({
    ...{ code: "vercel_refused", context: { status: 422 } },
  });
  await world.control("PUT", "/_hold", { builds: true });
  const queued = await world.deploy(at);
  await expect(promoteDeployment(at.id, queued.id, signal)).rejects.toMatchObject({
    code: "vercel_conflict",
  });
  const other = await world.project();
  await expect(promoteDeployment(other.id, staged.id, signal)).rejects.toMatchObject({
    ...{ name: "NotFound", context: { status: 404 } },
  });
});

test("a deployment is found by commit and marker in its project alone, also behind others", async () => {
  const [at, other] = [await world.project(), await world.project()];
  await world.control("PUT", "/_hold", { builds: true });
  const sha = await world.commit();
  const made = await world.deploy(at, { marker: "eff_wanted" });
  // More than a page of the list.
  for (let n = 0; n < 101; n++) await world.deploy(at, { sha });
  const find = (projectId: string, marker: string, commit = sha) =>
    findDeployment({ projectId, sha: commit, marker }, signal);
  expect(await find(at.id, "eff_wanted")).toEqual({ ...made, state: "queued" });
  expect(await find(at.id, "eff_wante")).toBeNull();
  expect(await find(other.id, "eff_wanted")).toBeNull();
  expect(await find(at.id, "eff_wanted", "0".repeat(40))).toBeNull();
  await deleteProject(at.id, signal);
});

test("a build is canceled while it waits and while it runs, and only once", async () => {
  const at = await world.project();
  await world.control("PUT", "/_hold", { builds: true });
  const waiting = await world.deploy(at);
  expect(await cancelDeployment(waiting.id, signal)).toMatchObject({ state: "canceled" });
  await world.control("PUT", "/_builds", { fault: "hang" });
  await world.control("PUT", "/_hold", {});
  const running = await world.deploy(at);
  await world.reached(running.id, ["building"]);
  expect(await cancelDeployment(running.id, signal)).toMatchObject({ state: "canceled" });
  await expect(cancelDeployment(running.id, signal)).rejects.toMatchObject({
    ...{ code: "vercel_refused", context: { status: 400 } },
  });
  expect(await page(running.url)).toBe("404 DEPLOYMENT_NOT_READY");
});

test("a build that fails says why, and the end of its log what it printed", async () => {
  const at = await world.project();
  await world.control("PUT", "/_builds", { fault: "error" });
  const told = await world.deploy(at);
  const failed = await world.reached(told.id);
  expect(failed).toMatchObject({ state: "error", error: "The build was told to fail." });
  expect(await buildLog(told.id, signal)).toContain("built the shop");

  const sha = await world.github.push(world.at, "broken", {
    "build.mjs": `for (let n = 0; n < 600; n++) console.log("line " + n + " of what a build prints");
console.error("token ghp_" + "a1B2".repeat(9));
process.exitCode = 3;\n`,
  });
  const broken = await world.deploy(at, { sha });
  const end = await world.reached(broken.id);
  expect(end).toMatchObject({ state: "error", error: 'Command "npm run build" exited with 3' });
  const tail = await buildLog(broken.id, signal);
  expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(8192);
  expect(tail).toMatch(/^line \d+ of what a build prints\n/);
  expect(tail).toContain("line 599");
  expect(tail.trimEnd()).toMatch(/Error: Command "npm run build" exited with 3$/);
  expect(tail).not.toContain("a1B2a1B2");

  const absent = await world.deploy(at, { sha: "1".repeat(40) });
  expect(await world.reached(absent.id)).toMatchObject({ state: "error" });
});

test("variables reach the build of their target alone, and their values are in no answer and no log", async () => {
  const at = await world.project();
  const secret = "value-of-the-shop-74f1";
  const put = (target: "production" | "preview", names: string[], comment: string) =>
    putVariables(
      at.id,
      { target, variables: names.map((name) => ({ name, value: secret, comment })) },
      signal,
    );
  await put("preview", ["SHOP_ONLY_PREVIEW", "SHOP_KEY"], "p");
  await put("production", ["SHOP_URL", "SHOP_KEY"], "first");
  await put("production", ["SHOP_KEY"], "second");
  const all = await listVariables(at.id, signal);
  expect(all).toContainEqual({ name: "SHOP_KEY", targets: ["production"], comment: "second" });
  expect(all).toContainEqual({ name: "SHOP_KEY", targets: ["preview"], comment: "p" });
  expect(await variablesFor(at.id, "production", signal)).toEqual(["SHOP_KEY", "SHOP_URL"]);
  expect((await readProject(at.id, signal))?.marker).toBe(at.marker);

  await world.github.push(world.at, "main", {
    "page.html": "{names}\n",
    "build.mjs": `import { mkdirSync, writeFileSync } from "node:fs";
mkdirSync("dist");
const names = Object.keys(process.env).filter((name) => /^(SHOP_|COUNTER)/.test(name)).sort();
writeFileSync("dist/index.html", names.join(" "));
console.log("the key is " + process.env.SHOP_KEY);\n`,
  });
  const made = await world.deploy(at);
  await world.reached(made.id);
  expect(await page(made.url)).toBe("200 SHOP_KEY SHOP_URL");
  const headers = { authorization: `Bearer ${world.env.VERCEL_TOKEN}` };
  for (const path of [
    `/v10/projects/${at.id}/env`,
    `/v9/projects/${at.id}`,
    `/v13/deployments/${made.id}`,
    `/v7/deployments?projectId=${at.id}`,
    `/v3/deployments/${made.id}/events`,
    "/_deliveries",
  ]) {
    const response = await fetch(world.url + path, { headers });
    expect(response.status, path).toBe(200);
    expect(await response.text(), path).not.toContain(secret);
  }
  expect(await buildLog(made.id, signal)).toContain("the key is [hidden]");
  await removeVariable(at.id, "SHOP_KEY", signal);
  await removeVariable(at.id, "SHOP_KEY", signal);
  expect(await variablesFor(at.id, "production", signal)).toEqual(["SHOP_URL"]);
});

test("of variables that Vercel does not take, the error tells the names and never the values", async () => {
  const at = await world.project();
  const value = "never-told-5521";
  const variables = ["VERCEL_URL", "SHOP_A"].map((name) => ({ name, value, comment: "c" }));
  const error = await putVariables(at.id, { target: "production", variables }, signal).catch(
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: "InvalidInput", code: "vercel_variables" });
  expect(error.message).toContain("VERCEL_URL (RESERVED_ENV_VARIABLE)");
  // What a failed effect has changed all the same is on record by this alone.
  expect(error.message).toMatch(/It has set SHOP_A\.$/);
  expect(JSON.stringify([error.message, error.context, error.cause])).not.toContain(value);
  await expect(listVariables("prj_none", signal)).rejects.toMatchObject({ name: "NotFound" });
});

test("without a build script the files are served as they are, links and hidden ones left out", async () => {
  const at = await world.project();
  const sha = await world.github.push(world.at, "plain", {
    "package.json": "{}",
    "index.html": "plain",
    ".env": "SECRET=1",
    "deep/page.html": "deep",
  });
  // Its `public` would be served otherwise.
  const made = await world.deploy(at, { sha });
  await world.reached(made.id);
  expect(await page(made.url)).toBe("200 plain");
  expect(await page(`${made.url}/deep/page.html`)).toBe("200 deep");
  expect(await page(`${made.url}/.env`)).toBe("404 NOT_FOUND");
});
