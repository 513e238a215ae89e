import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Octokit } from "@octokit/rest";
import { repos } from "#db/schema.ts";
import { startPartProcess } from "#local/process.ts";
import { controls, type Left, type OutsideObject, type Target } from "./target.ts";

/** Enough for a push on a busy machine: that is four calls, and the first loads the client. */
const TIMEOUT_SECONDS = 5;
const GITHUB = fileURLToPath(new URL("../../../local/github/main.ts", import.meta.url));
const API = "/api/v3";
const FIRST = { path: "README.md", content: "# First\n" };
/** Longer than any fault lets a reader see what was there before. */
const SEEN_MS = 20_000;

/** A local GitHub: each run has a repository of one commit, and brings about all four kinds of effects there. */
export async function repositoryTarget(
  dir: string,
): Promise<Target & { own: Readonly<Record<string, string>>; first(runId: string): string }> {
  // A process of its own: it starts git all the time, which a large process is slow at and stands still for.
  const hub = await startPartProcess(GITHUB, { dir });
  const { GITHUB_TOKEN = "" } = hub.env;
  const control = controls(hub.url, `Bearer ${GITHUB_TOKEN}`);
  const ignore = () => undefined;
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
  const { rest } = new Octokit({ auth: GITHUB_TOKEN, baseUrl: `${hub.url}${API}`, log });
  /** The first commit of each run's repository. */
  const firsts = new Map<string, string>();
  const at = (repo: string) => ({ owner: "acme", repo });
  return {
    url: hub.url,
    /** What leads others than the apps to it. */
    own: { GITHUB_TOKEN },
    /** The commit that a run finds. */
    first: (runId) => firsts.get(runId) ?? "",
    effects: 4,
    approvals: 2,
    ends: "succeeded",
    timeoutMs: TIMEOUT_SECONDS * 1000,
    env: (gateUrl) => ({
      GITHUB_API_URL: `${gateUrl}${API}`,
      GITHUB_TOKEN,
      GITHUB_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
    }),
    label({ method, path }) {
      if (method === "GET") return undefined;
      const [, , , , ...route] = path.slice(API.length).split("/");
      const [first, second, third] = route;
      if (first === "pulls" && second) return `call: ${method} pulls/{number}/${third}`;
      return `call: ${method} ${route.slice(0, 2).join("/")}${third ? "/{ref}" : ""}`;
    },
    async prepare({ database, projectId, runId }) {
      const { data } = await rest.repos.createForAuthenticatedUser({ name: runId });
      const content = Buffer.from(FIRST.content).toString("base64");
      const file = { ...at(runId), path: FIRST.path, message: "First", content };
      const made = await rest.repos.createOrUpdateFileContents(file);
      firsts.set(runId, made.data.commit.sha ?? "");
      const { owner, name, html_url: htmlUrl, clone_url: cloneUrl, default_branch } = data;
      const row = { projectId, owner: owner.login, name, htmlUrl, cloneUrl };
      await database.insert(repos).values({ id: runId, ...row, defaultBranch: default_branch });
    },
    async strike(runId, { struck }, { fault, times, ms }) {
      await control("PUT", "/_faults", { repo: `acme/${runId}`, ...struck, fault, times, ms });
    },
    async left(runId) {
      const deadline = performance.now() + SEEN_MS;
      for (;;) {
        const left = await look(rest, at(runId), firsts.get(runId) ?? "");
        if (left.wrong.length === 0 || performance.now() > deadline) return left;
        await sleep(250);
      }
    },
    close: () => hub.close(),
  };
}

const TRAILER = /^Countersign-Effect: (\S+)$/gm;
const COMMENT = /<!-- countersign-effect: (\S+) -->/g;

/** Every commit and pull request in the repository that carries a mark, and whether main is what it was with one merge on top. */
async function look(
  rest: Octokit["rest"],
  at: { owner: string; repo: string },
  first: string,
): Promise<Left> {
  const wrong: string[] = [];
  const marked = new Map<string, OutsideObject>();
  const keep = (id: string, text: string, mark: RegExp) => {
    for (const [, marker = ""] of text.matchAll(mark))
      marked.set(`${id} ${marker}`, { id, marker });
  };
  const since = async (ref: string) => {
    const basehead = `${first}...${ref}`;
    const { data } = await rest.repos.compareCommitsWithBasehead({ ...at, basehead });
    for (const { sha, commit } of data.commits) keep(sha, commit.message, TRAILER);
    return data;
  };
  const pulls = await rest.pulls.list({ ...at, state: "all", per_page: 100 });
  for (const { number, body, head, merged_at } of pulls.data) {
    keep(String(number), body ?? "", COMMENT);
    await since(head.sha);
    if (merged_at === null) wrong.push(`the pull request ${number} is not merged`);
  }
  if (pulls.data.length !== 1) wrong.push(`${pulls.data.length} pull requests`);
  const branches = await rest.repos.listBranches({ ...at, per_page: 100 });
  const others = branches.data.map(({ name }) => name).filter((name) => name !== "main");
  for (const name of others) await since(name);
  if (others.length > 0) wrong.push(`there are the branches ${others}`);

  const main = await since("main");
  if (main.behind_by > 0) wrong.push("the first commit is lost");
  const merges = main.commits.filter(({ parents }) => parents.length > 1);
  const [merge] = merges;
  if (merges.length !== 1) wrong.push(`${merges.length} merges`);
  else if (merge?.parents[0]?.sha !== first) wrong.push("the merge is not on the first commit");
  if (main.commits.length !== 2) wrong.push(`${main.commits.length} commits on top of the first`);
  const [head] = pulls.data;
  if (merge && merge.parents[1]?.sha !== head?.head.sha) wrong.push("another head was merged");
  const { data } = await rest.repos.getContent({ ...at, path: FIRST.path, ref: "main" });
  const kept = "content" in data && Buffer.from(data.content, "base64").toString();
  if (kept !== FIRST.content) wrong.push(`${FIRST.path} has changed`);

  const gone = { id: `refs/heads/countersign/${at.repo}`, marker: null };
  const objects = [...marked.values(), ...(others.length === 0 ? [gone] : [])];
  return { objects, wrong };
}
