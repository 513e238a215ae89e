import { expect, test, vi } from "vitest";
import { gitIn } from "./people.ts";
import { hub } from "./testing.ts";

// Processes of git start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000 });

test("a repository is made, cloned, pushed to, and its pull request merged", async () => {
  await using world = await hub();
  const { octokit, cloned, repository, token, url } = world;
  const at = await repository("shop", { "README.md": "# Shop\n" });
  const { data: repo } = await octokit.rest.repos.get(at);
  expect(repo).toMatchObject({ full_name: "acme/shop", default_branch: "main" });
  expect(repo.clone_url).toBe(`${url}/acme/shop.git`);

  const base = (await octokit.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
  const tree = await octokit.rest.git.createTree({
    ...at,
    base_tree: base,
    tree: [
      { path: "src/a.ts", mode: "100644", type: "blob", content: "export {};\n" },
      { path: "README.md", mode: "100644", type: "blob", sha: null },
    ],
  });
  expect(tree.data.tree.map(({ path }) => path)).toEqual(["src"]);
  const message = "Add a\n\nTrailer: x";
  const made = { ...at, message, tree: tree.data.sha, parents: [base] };
  const commit = await octokit.rest.git.createCommit(made);
  expect(commit.data).toMatchObject({ message, parents: [{ sha: base }] });
  const sha = commit.data.sha;
  await octokit.rest.git.createRef({ ...at, ref: "refs/heads/run/one", sha });
  const opened = await octokit.rest.pulls.create({
    ...at,
    ...{ title: "Add a", head: "run/one", base: "main", body: "why" },
  });
  expect(opened.data).toMatchObject({
    number: 1,
    state: "open",
    head: { sha },
    base: { sha: base },
  });

  const pull = { ...at, pull_number: 1 };
  const seen = await octokit.rest.pulls.get(pull);
  expect(seen.data).toMatchObject({
    ...{ mergeable: true, mergeable_state: "clean", merged: false, commits: 1, changed_files: 2 },
    ...{ additions: 1, deletions: 1 },
  });
  const merged = await octokit.rest.pulls.merge({ ...pull, sha });
  expect(merged.data.merged).toBe(true);
  expect((await octokit.rest.pulls.get(pull)).data).toMatchObject({
    ...{ state: "closed", merged: true, merge_commit_sha: merged.data.sha },
    merged_by: { login: "acme" },
  });
  const log = await gitIn(await cloned(at), token, ["log", "--format=%s %P", "-1"]);
  expect(log.trim()).toBe(`Merge pull request #1 from acme/run/one ${base} ${sha}`);
});
