import { expect, test, vi } from "vitest";
import { client, gitIn } from "./people.ts";
import { startGithub } from "./server.ts";
import { hub } from "./testing.ts";

// Processes of git start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000 });

test("a branch that moved just before the process died is followed by the next start", async () => {
  await using world = await hub();
  const { rest } = world.octokit;
  const { data: repo } = await rest.repos.createForAuthenticatedUser({
    ...{ name: "shop", auto_init: true },
  });
  const at = { owner: "acme", repo: "shop" };
  const sha = await world.push(at, "work", { "b.txt": "1\n" });
  await rest.pulls.create({ ...at, title: "t", head: "work", base: "main" });
  await world.part.close();
  // What a merge leaves that had moved the branch and written nothing else.
  const bare = `${world.dir}/repos/${repo.id}.git`;
  await gitIn(bare, null, ["update-ref", "refs/heads/main", sha]);

  const again = await startGithub({ dir: world.dir });
  try {
    const next = client(again.env.GITHUB_API_URL ?? "", world.token).rest;
    const { data } = await next.pulls.get({ ...at, pull_number: 1 });
    expect(data).toMatchObject({ state: "closed", merged: true, merge_commit_sha: sha });
  } finally {
    await again.close();
  }
});
