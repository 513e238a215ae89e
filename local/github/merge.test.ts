import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { gitIn } from "./people.ts";
import { type At, hub, refused } from "./testing.ts";

// Processes of git start slowly on a machine that is busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let world: Awaited<ReturnType<typeof hub>>;
let at: At;
beforeAll(async () => {
  world = await hub();
});
afterAll(() => world[Symbol.asyncDispose]());

const LINES = "one\ntwo\nthree\nfour\nfive\n";
const pulls = () => world.octokit.rest.pulls;
const open = async (head: string, more: object = {}) => {
  const { data } = await pulls().create({
    ...at,
    title: `Do ${head}`,
    head,
    base: "main",
    ...more,
  });
  return data;
};
const log = async (...args: string[]) => (await world.git(at, "log", ...args)).trim();

describe("the three ways to merge", () => {
  beforeAll(async () => {
    at = await world.repository("ways", { "a.txt": LINES });
  });

  test("squash: one commit of the author's on the base, named after the request", async () => {
    await world.push(at, "squash", { "s1.txt": "1" });
    await world.push(at, "squash", { "s2.txt": "2" });
    const { number } = await open("squash");
    const { data } = await pulls().merge({ ...at, pull_number: number, merge_method: "squash" });
    expect(await log("-1", "--format=%H %an %cn%n%B")).toBe(
      `${data.sha} acme GitHub\nDo squash (#${number})\n\n* Change s1.txt\n\n* Change s2.txt`,
    );
    expect(await log("-1", "--format=%P")).toMatch(/^[0-9a-f]{40}$/);
    expect((await world.git(at, "ls-tree", "--name-only", "HEAD")).split("\n")).toContain("s2.txt");
  });

  test("rebase: the commits again, with their authors, on a base that has moved", async () => {
    await world.push(at, "rebase", { "r1.txt": "1" });
    const head = await world.push(at, "rebase", { "r2.txt": "2" });
    const { number } = await open("rebase");
    const base = await world.push(at, "main", { "other.txt": "o" });
    const { data } = await pulls().merge({ ...at, pull_number: number, merge_method: "rebase" });
    expect(data.sha).not.toBe(head);
    expect((await log("-3", "--format=%an: %s")).split("\n")).toEqual([
      "Ada: Change r2.txt",
      "Ada: Change r1.txt",
      "Ada: Change other.txt",
    ]);
    expect(await log("-1", "--skip=2", "--format=%H")).toBe(base);
  });

  test("merge: both sides as parents, the title and message that were given", async () => {
    const head = await world.push(at, "both", { "a.txt": LINES.replace("five", "FIVE") });
    const base = await world.push(at, "main", { "a.txt": LINES.replace("one", "ONE") });
    const { number } = await open("both");
    const words = { commit_title: "Title", commit_message: "Text\n\nTrailer: x" };
    await pulls().merge({ ...at, pull_number: number, sha: head, ...words });
    expect(await log("-1", "--format=%P%n%B")).toBe(`${base} ${head}\nTitle\n\nText\n\nTrailer: x`);
    expect(await world.git(at, "show", "HEAD:a.txt")).toBe("ONE\ntwo\nthree\nfour\nFIVE\n");
  });
});

describe("what is not merged", () => {
  beforeAll(async () => {
    at = await world.repository("refusals", { "a.txt": LINES });
  });

  test("the same line on both sides: 405 for each method, and nothing moves", async () => {
    await world.push(at, "conflict", { "a.txt": LINES.replace("two", "2") });
    const base = await world.push(at, "main", { "a.txt": LINES.replace("two", "zwei") });
    const { number } = await open("conflict");
    const { data } = await pulls().get({ ...at, pull_number: number });
    expect(data).toMatchObject({ mergeable: false, mergeable_state: "dirty" });
    for (const merge_method of ["merge", "squash", "rebase"] as const) {
      expect(await refused(pulls().merge({ ...at, pull_number: number, merge_method }))).toEqual([
        405,
        "Pull Request is not mergeable",
      ]);
    }
    expect(await log("-1", "--format=%H")).toBe(base);
  });

  test("another head than the one that was named: 409; merged, closed and unknown ones", async () => {
    const first = await world.push(at, "moving", { "m.txt": "1" });
    const { number } = await open("moving");
    const pull = { ...at, pull_number: number };
    const second = await world.push(at, "moving", { "m.txt": "2" });
    expect((await pulls().get(pull)).data.head.sha).toBe(second);
    expect((await refused(pulls().merge({ ...pull, sha: first })))[0]).toBe(409);
    await pulls().update({ ...pull, state: "closed" });
    expect((await refused(pulls().merge(pull)))[0]).toBe(405);
    await pulls().update({ ...pull, state: "open" });
    await pulls().merge({ ...pull, sha: second });
    expect((await refused(pulls().merge({ ...pull, sha: second })))[0]).toBe(405);
    expect((await refused(pulls().update({ ...pull, state: "open" })))[0]).toBe(422);
    expect((await refused(pulls().merge({ ...at, pull_number: 99 })))[0]).toBe(404);
  });

  test("a check that the branch demands holds the merge until it has succeeded", async () => {
    const { repos, checks } = world.octokit.rest;
    const protect = {
      ...{ required_status_checks: { strict: false, contexts: ["ci", "lint"] } },
      ...{ enforce_admins: true, required_pull_request_reviews: null, restrictions: null },
    };
    await repos.updateBranchProtection({ ...at, branch: "main", ...protect });
    const { data: branch } = await repos.getBranch({ ...at, branch: "main" });
    expect(branch.protection.required_status_checks?.contexts).toEqual(["ci", "lint"]);
    const sha = await world.push(at, "checked", { "c.txt": "1" });
    const { number } = await open("checked");
    const pull = { ...at, pull_number: number };
    const merge = () => refused(pulls().merge(pull));
    expect(await merge()).toEqual([405, "2 of 2 required status checks are expected."]);
    await repos.createCommitStatus({ ...at, sha, state: "success", context: "ci" });
    const run = { ...at, name: "lint", head_sha: sha };
    const { data: failed } = await checks.create({ ...run, conclusion: "failure" });
    expect(failed.status).toBe("completed");
    expect(await merge()).toEqual([405, 'Required status check "lint" is expected.']);
    expect((await pulls().get(pull)).data.mergeable_state).toBe("blocked");
    const { data: again } = await checks.create({ ...run, status: "in_progress" });
    expect((await merge())[0]).toBe(405);
    await checks.update({ ...at, check_run_id: again.id, conclusion: "success" });
    await repos.createCommitStatus({ ...at, sha, state: "failure", context: "ci" });
    expect(await merge()).toEqual([405, 'Required status check "ci" is expected.']);
    await repos.createCommitStatus({ ...at, sha, state: "success", context: "ci" });
    const status = await repos.getCombinedStatusForRef({ ...at, ref: sha });
    expect(status.data).toMatchObject({ state: "success", total_count: 1 });
    const listed = await checks.listForRef({ ...at, ref: sha });
    expect(listed.data.check_runs.map(({ conclusion }) => conclusion)).toEqual(["success"]);
    expect((await pulls().merge(pull)).data.merged).toBe(true);
  });
});

describe("many at once", () => {
  beforeAll(async () => {
    at = await world.repository("many", { "a.txt": LINES });
  });

  test("merges and pushes to the same branch at the same time lose no commit", async () => {
    const names = ["m1", "m2", "m3", "m4"];
    const heads: string[] = [];
    for (const name of names) heads.push(await world.push(at, name, { [`${name}.txt`]: name }));
    const opened = await Promise.all(names.map((name) => open(name)));
    expect(opened.map(({ number }) => number).toSorted()).toEqual([1, 2, 3, 4]);
    const merge = async (pull_number: number): Promise<void> => {
      for (;;) {
        try {
          await pulls().merge({ ...at, pull_number });
          return;
        } catch (error) {
          // Somebody pushed in between: as on GitHub, one asks again.
          if (!(error as Error).message.startsWith("Base branch was modified")) throw error;
        }
      }
    };
    const push = async (): Promise<string> => {
      const clone = await world.cloned(at);
      for (let n = 0; ; n++) {
        await gitIn(clone, world.token, ["pull", "-q", "--rebase"]);
        if (n === 0) {
          await gitIn(clone, world.token, ["commit", "-q", "--allow-empty", "-m", "Theirs"]);
        }
        try {
          await gitIn(clone, world.token, ["push", "-q"]);
          return (await gitIn(clone, world.token, ["rev-parse", "HEAD"])).trim();
        } catch (error) {
          if (!/rejected|failed to (push|lock|update)/.test(String(error))) throw error;
        }
      }
    };
    const [theirs] = await Promise.all([push(), ...opened.map(({ number }) => merge(number))]);
    const all = (await log("--format=%H")).split("\n");
    for (const sha of [...heads, theirs]) expect(all).toContain(sha);
    expect((await log("--merges", "--format=%s")).split("\n")).toHaveLength(4);
    const { data } = await pulls().list({ ...at, state: "closed" });
    expect(data.every(({ merged_at }) => merged_at !== null)).toBe(true);
  });

  test("a third party's push to the base stays, and pushing a head to the base merges its request", async () => {
    const { token } = await world.control<{ token: string }>("PUT", "/_tokens", { login: "bea" });
    await world.push(at, "ours", { "ours.txt": "1" });
    const { number } = await open("ours");
    const theirs = await world.push(at, "main", { "theirs.txt": "1" }, token);
    const { data } = await pulls().merge({ ...at, pull_number: number });
    expect(await log("-1", "--format=%P", data.sha)).toMatch(new RegExp(`^${theirs} `));

    await world.push(at, "direct", { "direct.txt": "1" });
    const direct = await open("direct");
    const clone = await world.cloned(at);
    await gitIn(clone, token, ["push", "-q", "origin", "origin/direct:refs/heads/main"]);
    const merged = await pulls().get({ ...at, pull_number: direct.number });
    expect(merged.data).toMatchObject({ merged: true, merged_by: { login: "bea" } });
  });

  test("a pull request whose branch goes is closed", async () => {
    await world.push(at, "gone", { "gone.txt": "1" });
    const { number, head } = await open("gone");
    await world.octokit.rest.git.deleteRef({ ...at, ref: "heads/gone" });
    const { data } = await pulls().get({ ...at, pull_number: number });
    expect(data).toMatchObject({ state: "closed", merged: false, head: { sha: head.sha } });
  });
});
