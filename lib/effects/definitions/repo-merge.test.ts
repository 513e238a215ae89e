import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { hub } from "#local/github/testing.ts";
import { EffectDesk } from "../../../test/support/effects.ts";
import { setEnv } from "../../../test/support/environment.ts";
import { performEffect } from "../perform.ts";

let desk: EffectDesk;
let world: Awaited<ReturnType<typeof hub>>;
beforeAll(async () => {
  [desk, world] = await Promise.all([EffectDesk.open(), hub()]);
  await setEnv(world.part.env);
}, 60_000);
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  for (const name of Object.keys(world.part.env)) delete process.env[name];
  await Promise.all([desk.close(), world[Symbol.asyncDispose]()]);
});

/** A granted merge of a pull request of a repository of this name, which can be merged. */
async function granted(name: string, method: "merge" | "squash") {
  const at = await world.repository(name, { "a.txt": "1\n" });
  const head = await world.push(at, "change", { "b.txt": "2\n" });
  const { rest } = world.octokit;
  const pull = await rest.pulls.create({ ...at, title: "Change", head: "change", base: "main" });
  const base = pull.data.base.sha;
  const params = {
    ...{ ...at, branch: "change", number: pull.data.number, head, verified: head },
    ...{ baseBranch: "main", base, method, title: "Change" },
  };
  return { at, base, scene: await desk.plan(await desk.run(), "repo.merge", params) };
}

test.each(["merge", "squash"] as const)("a %s is recorded as what was approved", async (method) => {
  const { scene } = await granted(`as-approved-${method}`, method);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
  const [entry] = await desk.said(scene, "effect.confirmed");
  expect(entry?.payload).not.toHaveProperty("changedOutside");
});

test("a merge onto what somebody pushed in the last moment is not recorded as the one that was approved", async () => {
  const { at, base, scene } = await granted("raced", "merge");
  const { fetch } = globalThis;
  // Between our last look at the base and GitHub's merge.
  const raced = vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    if (init?.method === "PUT") await world.push(at, "main", { "c.txt": "3\n" });
    return await fetch(input, init);
  });
  const done = await performEffect(scene.effectId);
  expect(done).toMatchObject({ outcome: "confirmed" });
  expect(raced).toHaveBeenCalled();
  const { externalId } = await desk.effect(scene);
  const commit = await world.octokit.rest.git.getCommit({ ...at, commit_sha: externalId ?? "" });
  expect(commit.data.parents[0]?.sha).not.toBe(base);
  const [entry] = await desk.said(scene, "effect.confirmed");
  expect(entry?.payload).toMatchObject({ externalId, changedOutside: true });
});

test("a branch of a repository that is not to be seen any more is not said to be removed", async () => {
  const at = await world.repository("seen", { "a.txt": "1\n" });
  const head = await world.push(at, "done", { "b.txt": "2\n" });
  const plan = async (repo: string) =>
    await desk.plan(await desk.run(), "repo.cleanup", { ...at, repo, branch: "done", head });
  const hidden = await plan("hidden");
  await expect(performEffect(hidden.effectId)).rejects.toMatchObject({ code: "github_not_found" });
  expect(await desk.effect(hidden)).toMatchObject({ status: "failed" });
  const scene = await plan(at.repo);
  expect(await performEffect(scene.effectId)).toMatchObject({ outcome: "confirmed" });
});
