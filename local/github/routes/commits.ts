import { commitBody, fileBody } from "../bodies/commit.ts";
import { apiOf, pageOf } from "../bodies/repository.ts";
import { diffFiles } from "../git/diff.ts";
import { readCommit, readCommits } from "../git/objects.ts";
import { aheadBehind, commitsBetween, mergeBase } from "../git/refs.ts";
import { type Call, pageOf as pageAsked, param, repoToRead } from "../http/call.ts";
import { notFound } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import type { RepoRow } from "../store/repos.ts";
import { commitOf, requiredCommit } from "./resolve.ts";

/** Of a comparison and of a commit. */
const MAX_FILES = 300;
/** Without pages the newest so many commits are compared. */
const MAX_COMMITS = 250;

export const commits: Route[] = [
  route("GET /repos/{owner}/{repo}/compare/{basehead}", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const dir = service.dirOf(repo);
    const basehead = param(call, "basehead");
    const [left = "", right] = basehead.split("...");
    if (right === undefined) throw notFound();
    const [base, head] = await Promise.all([side(call, repo, left), side(call, repo, right)]);
    const fork = await mergeBase(dir, base, head);
    if (fork === null) throw notFound();
    const { ahead, behind } = await aheadBehind(dir, base, head);
    const paged = call.query.has("page") || call.query.has("per_page");
    const { page, perPage } = pageAsked(call, MAX_COMMITS);
    const all = await commitsBetween(dir, base, head, paged ? 10_000 : MAX_COMMITS);
    const shas = paged ? all.slice((page - 1) * perPage, page * perPage) : all;
    const [list, ends, files] = await Promise.all([
      readCommits(dir, shas),
      readCommits(dir, [base, fork]),
      page === 1 ? diffFiles(dir, fork, head) : [],
    ]);
    const [baseCommit, forkCommit] = ends.map((commit) => commitBody(service, repo, commit));
    if (!baseCommit || !forkCommit) throw notFound();
    const path = `compare/${basehead}`;
    const html = `${pageOf(service, repo)}/${path}`;
    const diverged = ahead > 0 && behind > 0;
    const one = ahead > 0 ? "ahead" : behind > 0 ? "behind" : "identical";
    return {
      data: {
        url: `${apiOf(service, repo)}/${path}`,
        html_url: html,
        permalink_url: `${pageOf(service, repo)}/compare/${base}...${head}`,
        diff_url: `${html}.diff`,
        patch_url: `${html}.patch`,
        base_commit: baseCommit,
        merge_base_commit: forkCommit,
        status: diverged ? ("diverged" as const) : (one as "ahead" | "behind" | "identical"),
        ahead_by: ahead,
        behind_by: behind,
        total_commits: ahead,
        commits: list.map((commit) => commitBody(service, repo, commit)),
        files: files.slice(0, MAX_FILES).map((file) => fileBody(service, repo, head, file)),
      },
    };
  }),

  route("GET /repos/{owner}/{repo}/commits/{ref}", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const sha = await requiredCommit(call, repo, param(call, "ref"));
    const dir = service.dirOf(repo);
    const commit = await readCommit(dir, sha);
    if (!commit) throw notFound();
    const files = await diffFiles(dir, commit.parents[0] ?? null, sha);
    const sum = (key: "additions" | "deletions") => files.reduce((n, file) => n + file[key], 0);
    const [additions, deletions] = [sum("additions"), sum("deletions")];
    return {
      data: {
        ...commitBody(service, repo, commit),
        stats: { additions, deletions, total: additions + deletions },
        files: files.slice(0, MAX_FILES).map((file) => fileBody(service, repo, sha, file)),
      },
    };
  }),

  route("GET /repos/{owner}/{repo}/tarball/{ref}", async (call) => {
    const repo = repoToRead(call);
    const sha = await requiredCommit(call, repo, param(call, "ref"));
    return { status: 302, location: `${pageOf(call.service, repo)}/legacy.tar.gz/${sha}` };
  }),
];

/** One side of a comparison, `branch` or `owner:branch`. Throws 404. */
async function side(call: Call, repo: RepoRow, name: string): Promise<string> {
  const prefix = `${repo.owner}:`;
  const known = name.toLowerCase().startsWith(prefix.toLowerCase());
  const sha = await commitOf(call, repo, known ? name.slice(prefix.length) : name);
  if (sha === undefined) throw notFound();
  return sha;
}
