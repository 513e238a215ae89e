import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import {
  createDeployment,
  promoteDeployment,
  readDeployment,
  rollBackTo,
} from "#lib/vercel/deployments.ts";
import { createProject, deleteProject, listProjects, readProject } from "#lib/vercel/projects.ts";
import { cloud } from "#local/vercel/testing.ts";

// Builds start a sandbox and npm, slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let world: Awaited<ReturnType<typeof cloud>>;
const { signal } = new AbortController();
let count = 0;

beforeAll(async () => {
  world = await cloud();
  Object.assign(process.env, world.env);
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.control("DELETE", "/_faults");
  await world.control("PUT", "/_hold", {});
});

const repository = { owner: "acme", repo: "shop" };
async function project() {
  const name = `shop-${count++}`;
  return await createProject({ name, repository, marker: `eff_${name}` }, signal);
}
async function deploy(at: { id: string; name: string }, marker = `eff_${count++}`) {
  const sha = await world.commit();
  return await createDeployment({ project: at, repository, ref: "main", sha, marker }, signal);
}
async function ended(id: string) {
  return await vi.waitUntil(
    async () => {
      const found = await readDeployment(id, signal);
      return found && ["ready", "error", "canceled"].includes(found.state) ? found : null;
    },
    { timeout: 60_000, interval: 100 },
  );
}
const page = async (url: string) => {
  const response = await fetch(url);
  return `${response.status} ${(await response.text()).trim()}`;
};

test("a project is made once with its marker, found by name and id, listed, and removed", async () => {
  const made = await project();
  expect(made).toMatchObject({ repository: "acme/shop", marker: `eff_${made.name}` });
  expect(made).toMatchObject({ productionDeploymentId: null, productionUrl: null });
  expect(await readProject(made.name, signal)).toEqual(made);
  expect(await readProject(made.id, signal)).toEqual(made);
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
  const at = await project();
  const sha = await world.commit();
  const first = await deploy(at, "eff_first");
  expect(first).toMatchObject({ projectId: at.id, sha, marker: "eff_first", error: null });
  expect(first.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await ended(first.id)).toEqual({ ...first, state: "ready" });
  expect(await page(first.url)).toBe("200 <h1>First</h1>");
  // It is only staged.
  expect(await readProject(at.id, signal)).toMatchObject({ productionDeploymentId: null });
  await promoteDeployment(at.id, first.id, signal);
  const served = await readProject(at.id, signal);
  expect(served?.productionDeploymentId).toBe(first.id);
  expect(await page(`${served?.productionUrl}/index.html?x=1`)).toBe("200 <h1>First</h1>");

  await world.github.push(world.at, "main", { "page.html": "<h1>Second</h1> {names}\n" });
  const second = await deploy(at);
  expect((await ended(second.id)).state).toBe("ready");
  expect(await page(served?.productionUrl ?? "")).toBe("200 <h1>First</h1>");
  await promoteDeployment(at.id, second.id, signal);
  expect(await page(served?.productionUrl ?? "")).toBe("200 <h1>Second</h1>");
  await rollBackTo(at.id, first.id, signal);
  expect(await readProject(at.id, signal)).toEqual(served);
  expect(await page(served?.productionUrl ?? "")).toBe("200 <h1>First</h1>");
  expect(await page(second.url)).toBe("200 <h1>Second</h1>");
});
