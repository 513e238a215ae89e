import { afterAll, beforeAll, expect, test } from "vitest";
import { hub } from "#local/github/testing.ts";
import { setEnv } from "../../test/support/environment.ts";
import { checksOf } from "./checks.ts";

let world: Awaited<ReturnType<typeof hub>>;
beforeAll(async () => {
  world = await hub();
  await setEnv(world.part.env);
});
afterAll(() => world[Symbol.asyncDispose]());

test("what is said of a commit on the second page is not taken for good", async () => {
  const at = await world.repository("matrix", { "a.txt": "1" });
  const sha = (await world.octokit.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
  const { checks, repos } = world.octokit.rest;
  // Lists begin with the newest: these are at the end.
  await repos.createCommitStatus({ ...at, sha, state: "failure", context: "first status" });
  const done = { status: "completed" as const, conclusion: "failure" as const };
  await checks.create({ ...at, head_sha: sha, name: "first run", ...done });
  for (let n = 0; n < 100; n++) {
    await repos.createCommitStatus({ ...at, sha, state: "success", context: `status ${n}` });
    await checks.create({ ...at, head_sha: sha, name: `run ${n}`, ...done, conclusion: "success" });
  }
  const seen = await checksOf(at, sha, AbortSignal.timeout(10_000));
  expect(seen).toHaveLength(202);
  const bad = seen.filter(({ state }) => state === "bad");
  expect(bad.map(({ name }) => name).sort()).toEqual(["first run", "first status"]);
});
