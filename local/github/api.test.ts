import { execFileSync } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { client, gitIn } from "./people.ts";
import { type At, hub, refused } from "./testing.ts";

// Processes of git start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let world: Awaited<ReturnType<typeof hub>>;
let at: At;
let first: string;
beforeAll(async () => {
  world = await hub();
  at = await world.repository("shop", { "README.md": "# Shop\n", "src/a b/ü.ts": "export {};\n" });
  first = (await world.octokit.rest.git.getRef({ ...at, ref: "heads/main" })).data.object.sha;
});
afterAll(() => world[Symbol.asyncDispose]());

const rest = () => world.octokit.rest;
const branch = async (name: string, sha = first) =>
  await rest().git.createRef({ ...at, ref: `refs/heads/${name}`, sha });

test.each<[string, () => Promise<unknown>, [number, string, ...string[]]]>([
  ["a bad token", () => client(world.api, "ghp_bad").rest.repos.get(at), [401, "Bad credentials"]],
  [
    "nobody",
    () => client(world.api).rest.users.getAuthenticated(),
    [401, "Requires authentication"],
  ],
  ["no such repository", () => rest().repos.get({ ...at, repo: "nope" }), [404, "Not Found"]],
  ["no such branch", () => rest().git.getRef({ ...at, ref: "heads/nope" }), [404, "Not Found"]],
  [
    "a name that is taken",
    () => rest().repos.createForAuthenticatedUser({ name: "SHOP" }),
    [422, "Validation Failed", "name already exists on this account"],
  ],
  [
    "a branch that is there",
    () => rest().git.createRef({ ...at, ref: "refs/heads/main", sha: first }),
    [422, "Reference already exists"],
  ],
  [
    "a branch below a branch",
    () => rest().git.createRef({ ...at, ref: "refs/heads/main/x", sha: first }),
    [422, "Reference update failed"],
  ],
  [
    "a name that is none",
    () => rest().git.createRef({ ...at, ref: "refs/heads/a..b", sha: first }),
    [422, "refs/heads/a..b is not a valid ref name."],
  ],
  [
    "a commit that is none",
    () => rest().git.createRef({ ...at, ref: "refs/heads/x", sha: "1".repeat(40) }),
    [422, "Object does not exist"],
  ],
  [
    "the removal of what is not there",
    () => rest().git.deleteRef({ ...at, ref: "heads/nope" }),
    [422, "Reference does not exist"],
  ],
  [
    "no difference",
    async () => {
      await branch("same");
      await rest().pulls.create({ ...at, title: "t", head: "same", base: "main" });
    },
    [422, "Validation Failed", "No commits between main and same"],
  ],
  [
    "a head that is not there",
    () => rest().pulls.create({ ...at, title: "t", head: "acme:nope", base: "main" }),
    [422, "Validation Failed", "head"],
  ],
  [
    "a status of no commit",
    () => rest().repos.createCommitStatus({ ...at, sha: "1".repeat(40), state: "success" }),
    [422, `No commit found for SHA: ${"1".repeat(40)}`],
  ],
  [
    "a file that another has changed",
    () =>
      rest().repos.createOrUpdateFileContents({
        ...{ ...at, path: "README.md", message: "m", content: "" },
        sha: "1".repeat(40),
      }),
    [409, `README.md does not match ${"1".repeat(40)}`],
  ],
  [
    "what this server does not do",
    () => rest().issues.listForRepo(at),
    [501, "The local GitHub does not do this: GET /repos/acme/shop/issues"],
  ],
  [
    "what it does not do of a commit",
    () => rest().repos.listPullRequestsAssociatedWithCommit({ ...at, commit_sha: "main" }),
    [501, `The local GitHub does not do this: GET /repos/acme/shop/commits/main/pulls`],
  ],
])("refused: %s", async (_, call, expected) => {
  expect(await refused(call())).toEqual(expected);
});

test("errors have GitHub's form; a body that is no JSON is 400", async () => {
  const headers = { authorization: `Bearer ${world.token}` };
  const send = (body: string) =>
    fetch(`${world.api}/repos/acme/shop/pulls`, { method: "POST", headers, body });
  const broken = await send("{");
  expect(broken.status).toBe(400);
  expect(await broken.json()).toEqual({
    message: "Problems parsing JSON",
    documentation_url: "https://docs.github.com/rest",
    status: "400",
  });
  expect((await send("{}")).status).toBe(422);
});

test("an empty repository answers 409 for its commits, and takes its first file", async () => {
  const { data } = await rest().repos.createForAuthenticatedUser({ name: "empty", private: true });
  const empty = { owner: "acme", repo: "empty" };
  expect(data.private).toBe(true);
  const blob = rest().git.createBlob({ ...empty, content: "x" });
  expect(await refused(blob)).toEqual([409, "Git Repository is empty."]);
  const file = { ...empty, path: "a/b.txt", message: "First", content: btoa("hello") };
  const made = await rest().repos.createOrUpdateFileContents(file);
  expect(made.status).toBe(201);
  const { data: read } = await rest().repos.getContent({ ...empty, path: "a/b.txt" });
  if (Array.isArray(read) || read.type !== "file") throw new Error("not a file");
  expect(atob(read.content)).toBe("hello");
  const anybody = client(world.api).rest;
  expect((await refused(anybody.repos.get(empty)))[0]).toBe(404);
  expect((await anybody.repos.get(at)).data.name).toBe("shop");
  const initial = { name: "initial", auto_init: true };
  await rest().repos.createForAuthenticatedUser(initial);
  const root = await rest().repos.getContent({ owner: "acme", repo: "initial", path: "" });
  expect(root.data).toMatchObject([{ name: "README.md", type: "file" }]);
});

test("blobs, trees and commits go in and come out as they were", async () => {
  const bytes = Buffer.from([0, 255, 10, 13]).toString("base64");
  const blob = await rest().git.createBlob({ ...at, content: bytes, encoding: "base64" });
  const file = await rest().git.getBlob({ ...at, file_sha: blob.data.sha });
  expect(file.data.content.trim()).toBe(bytes);
  const mode = "100755" as const;
  const tree = await rest().git.createTree({
    ...at,
    base_tree: first,
    tree: [
      { path: "bin/x", mode, type: "blob", sha: blob.data.sha },
      { path: "src", mode: "040000", type: "tree", sha: null },
    ],
  });
  const { data } = await rest().git.getTree({ ...at, tree_sha: tree.data.sha, recursive: "1" });
  expect(data.tree.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
    "100644 README.md",
    "040000 bin",
    "100755 bin/x",
  ]);
  const author = { name: "Ada", email: "ada@example.com", date: "2026-01-02T03:04:05Z" };
  const message = "Subject\n\n  body \n";
  const made = { ...at, message, tree: data.sha, parents: [first], author };
  const one = await rest().git.createCommit(made);
  const two = await rest().git.createCommit(made);
  expect(two.data.sha).toBe(one.data.sha);
  const read = await rest().git.getCommit({ ...at, commit_sha: one.data.sha });
  expect(read.data).toMatchObject({ message, author, committer: author });

  await branch("feature/x", one.data.sha);
  const matching = await rest().git.listMatchingRefs({ ...at, ref: "heads/feature" });
  expect(matching.data.map(({ ref }) => ref)).toEqual(["refs/heads/feature/x"]);
  const basehead = "main...feature/x";
  const compared = await rest().repos.compareCommitsWithBasehead({ ...at, basehead });
  expect(compared.data).toMatchObject({ status: "ahead", ahead_by: 1, behind_by: 0 });
  expect(compared.data.commits.map(({ sha }) => sha)).toEqual([one.data.sha]);
  const files = compared.data.files?.map(({ filename, status }) => `${status} ${filename}`);
  expect(files).toEqual(["added bin/x", "removed src/a b/ü.ts"]);
  const commit = await rest().repos.getCommit({ ...at, ref: "feature/x" });
  expect(commit.data.stats).toMatchObject({ deletions: 1 });
  const { data: folder } = await rest().repos.getContent({ ...at, path: "src/a b", ref: "main" });
  expect(folder).toMatchObject([{ path: "src/a b/ü.ts", type: "file", size: 11 }]);

  const move = { ...at, ref: "heads/feature/x" };
  const back = rest().git.updateRef({ ...move, sha: first });
  expect(await refused(back)).toEqual([422, "Update is not a fast forward"]);
  await rest().git.updateRef({ ...move, sha: first, force: true });
  await rest().git.updateRef({ ...move, sha: one.data.sha });
  await rest().git.deleteRef(move);
  expect((await refused(rest().git.getRef(move)))[0]).toBe(404);
});

test("pages with their links; a second pull request for a branch is refused; filters", async () => {
  const sha = await world.push(at, "p0", { "p.txt": "1" });
  for (const name of ["p1", "p2"]) await branch(name, sha);
  for (const head of ["p0", "p1", "p2"]) {
    await rest().pulls.create({ ...at, title: head, head, base: "main" });
  }
  const again = rest().pulls.create({ ...at, title: "t", head: "p1", base: "main" });
  expect(await refused(again)).toEqual([
    ...([422, "Validation Failed"] as const),
    "A pull request already exists for acme:p1.",
  ]);
  const page = await rest().pulls.list({ ...at, per_page: 2 });
  expect(page.data.map(({ title }) => title)).toEqual(["p2", "p1"]);
  expect(page.headers.link).toMatch(/<[^>]+[?&]page=2[^>]*>; rel="next", .*rel="last"/);
  const all = await world.octokit.paginate(rest().pulls.list, { ...at, per_page: 1 });
  expect(all.map(({ title }) => title)).toEqual(["p2", "p1", "p0"]);
  const mine = await rest().pulls.list({ ...at, head: "acme:p1", base: "main", state: "all" });
  expect(mine.data.map(({ title }) => title)).toEqual(["p1"]);
  const files = await rest().pulls.listFiles({ ...at, pull_number: 1 });
  expect(files.data).toMatchObject([{ filename: "p.txt", status: "added", patch: /^@@ / }]);
});

test("an open pull request can be given another base that is there; a closed one cannot", async () => {
  const sha = await world.push(at, "rb", { "rb.txt": "1" });
  await branch("elsewhere", first);
  const { data } = await rest().pulls.create({ ...at, title: "rb", head: "rb", base: "main" });
  const pull = { ...at, pull_number: data.number };
  const moved = await rest().pulls.update({ ...pull, base: "elsewhere" });
  expect(moved.data.base).toMatchObject({ ref: "elsewhere", sha: first });
  const merged = await rest().pulls.merge({ ...pull, sha, merge_method: "merge" });
  const { data: head } = await rest().git.getRef({ ...at, ref: "heads/elsewhere" });
  expect(head.object.sha).toBe(merged.data.sha);
  expect(await refused(rest().pulls.update({ ...pull, base: "main" }))).toEqual([
    ...([422, "Validation Failed"] as const),
    "Cannot change the base branch of a closed pull request.",
  ]);
  await branch("rb2", sha);
  const { data: other } = await rest().pulls.create({
    ...at,
    title: "t",
    head: "rb2",
    base: "main",
  });
  const nowhere = rest().pulls.update({ ...at, pull_number: other.number, base: "nope" });
  expect(await refused(nowhere)).toEqual([422, "Validation Failed", "base"]);
});

test("what has not changed is 304 and costs nothing; the rate limit ends in 403", async () => {
  await using small = await hub({ rateLimit: 4 });
  const { octokit } = small;
  const seen = await octokit.request("GET /user");
  const { etag } = seen.headers;
  expect(seen.headers["x-ratelimit-remaining"]).toBe("3");
  const same = octokit.request("GET /user", { headers: { "if-none-match": etag } });
  await expect(same).rejects.toMatchObject({
    ...{ status: 304, response: { headers: { etag, "x-ratelimit-remaining": "3" } } },
  });
  for (const left of [2, 1, 0]) {
    const { headers } = await octokit.request("GET /user");
    expect(headers["x-ratelimit-remaining"]).toBe(String(left));
  }
  const over = await refused(octokit.request("GET /user"));
  expect(over).toEqual([403, "API rate limit exceeded for acme."]);
  expect((await octokit.rest.rateLimit.get()).data.rate).toMatchObject({ limit: 4, remaining: 0 });
});

test("an archive of a commit, unpacked by tar", async () => {
  const { data } = await rest().repos.downloadTarballArchive({ ...at, ref: "main" });
  const directory = await mkdtemp(join(world.work, "tar-"));
  await writeFile(join(directory, "a.tar.gz"), Buffer.from(data as ArrayBuffer));
  const names = execFileSync("tar", ["-tzf", "a.tar.gz"], { cwd: directory, encoding: "utf8" });
  expect(names).toContain(`acme-shop-${first.slice(0, 7)}/README.md`);
});

test("another person's token sees and changes what it may, over the API and with git", async () => {
  const token = async (more: object) =>
    (await world.control<{ token: string }>("PUT", "/_tokens", { login: "bea", ...more })).token;
  const narrow = await token({ repos: ["acme/other"] });
  expect(await refused(client(world.api, narrow).rest.repos.get(at))).toEqual([404, "Not Found"]);
  await expect(world.cloned(at, narrow)).rejects.toThrow(/not found/i);
  const reader = await token({ permission: "read" });
  const write = { ...at, ref: "refs/heads/hers", sha: first };
  expect((await refused(client(world.api, reader).rest.git.createRef(write)))[0]).toBe(403);
  const clone = await world.cloned(at, reader);
  const push = (as: string | null) =>
    gitIn(clone, as, ["push", "-q", `${world.url}/acme/shop.git`, "HEAD:refs/heads/hers"]);
  await expect(push(reader)).rejects.toThrow(/403/);
  await expect(push(null)).rejects.toThrow(/could not read Username|Authentication/);
  await expect(push("ghp_bad")).rejects.toThrow(/could not read Username|Authentication/);
  await push(await token({}));
  expect((await rest().git.getRef({ ...at, ref: "heads/hers" })).data.object.sha).toBe(first);
  const hidden = ["push", "-q", `${world.url}/acme/shop.git`, "HEAD:refs/pull/1/head"];
  await expect(gitIn(clone, world.token, hidden)).rejects.toThrow(/hidden ref/);
});
