import { diffFiles } from "../git/diff.ts";
import { mergedTree } from "../git/merge.ts";
import { commitsBetween, isAncestor, mergeBase } from "../git/refs.ts";
import type { Service } from "../service.ts";
import type { PullRow } from "../store/pulls.ts";
import type { RepoRow } from "../store/repos.ts";
import { apiOf, pageOf, repositoryBody } from "./repository.ts";
import { nodeId, userNamed } from "./user.ts";

/** A pull request as lists have it. */
export function pullSimpleBody(service: Service, repo: RepoRow, pull: PullRow) {
  const api = apiOf(service, repo);
  const { number, head_sha } = pull;
  const url = `${api}/pulls/${number}`;
  const html = `${pageOf(service, repo)}/pull/${number}`;
  const issue = `${api}/issues/${number}`;
  const links = {
    self: url,
    html,
    issue,
    comments: `${issue}/comments`,
    review_comments: `${url}/comments`,
    review_comment: `${api}/pulls/comments{/number}`,
    commits: `${url}/commits`,
    statuses: `${api}/statuses/${head_sha}`,
  };
  const body = repositoryBody(service, repo);
  const side = (ref: string, sha: string) => ({
    label: `${repo.owner}:${ref}`,
    ref,
    sha,
    user: body.owner,
    repo: body,
  });
  return {
    id: pull.id,
    node_id: nodeId("PullRequest", pull.id),
    url,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issue,
    commits_url: links.commits,
    review_comments_url: links.review_comments,
    review_comment_url: links.review_comment,
    comments_url: links.comments,
    statuses_url: links.statuses,
    number,
    state: pull.state,
    locked: false,
    active_lock_reason: null,
    title: pull.title,
    body: pull.body,
    user: userNamed(service, pull.login),
    labels: [],
    milestone: null,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    created_at: pull.created_at,
    updated_at: pull.updated_at,
    closed_at: pull.closed_at,
    merged_at: pull.merged_at,
    merge_commit_sha: pull.merge_sha,
    head: side(pull.head_ref, pull.head_sha),
    base: side(pull.base_ref, pull.base_sha),
    _links: {
      self: { href: links.self },
      html: { href: links.html },
      issue: { href: links.issue },
      comments: { href: links.comments },
      review_comments: { href: links.review_comments },
      review_comment: { href: links.review_comment },
      commits: { href: links.commits },
      statuses: { href: links.statuses },
    },
    author_association: "OWNER" as const,
    auto_merge: null,
    draft: pull.draft === 1,
  };
}

/** What is to be known of an open pull request before it is merged. */
export interface Mergeability {
  readonly mergeable: boolean | null;
  readonly rebaseable: boolean | null;
  readonly mergeable_state: string;
}

/** Before anybody has looked, and for what is closed. */
export const UNKNOWN: Mergeability = {
  mergeable: null,
  rebaseable: null,
  mergeable_state: "unknown",
};

/** Whether an open pull request merges into its base branch as that stands now. */
export async function mergeability(
  service: Service,
  repo: RepoRow,
  pull: PullRow,
): Promise<Mergeability> {
  const dir = service.dirOf(repo);
  const base = service.refs(repo).get(`refs/heads/${pull.base_ref}`);
  if (pull.state !== "open" || base === undefined) return UNKNOWN;
  if ((await mergedTree(dir, base, pull.head_sha)) === null) {
    return { mergeable: false, rebaseable: false, mergeable_state: "dirty" };
  }
  const state = await stateOf(service, repo, pull, base);
  return { mergeable: true, rebaseable: true, mergeable_state: state };
}

async function stateOf(service: Service, repo: RepoRow, pull: PullRow, base: string) {
  const { checks } = service;
  const protection = checks.protection(repo.id, pull.base_ref);
  if (pull.draft === 1) return "draft";
  if (protection && checks.missing(protection, repo.id, pull.head_sha).length > 0) return "blocked";
  if (protection?.strict && !(await isAncestor(service.dirOf(repo), base, pull.head_sha))) {
    return "behind";
  }
  const contexts = checks.latestStatuses(repo.id, pull.head_sha).map(({ context }) => context);
  const runs = checks.checkRuns(repo.id, pull.head_sha).map(({ name }) => name);
  const all = { strict: false, contexts: [...contexts, ...runs], enforceAdmins: false };
  return checks.missing(all, repo.id, pull.head_sha).length > 0 ? "unstable" : "clean";
}

/** What git has to be asked for before a pull request can be told of. */
export interface Size {
  readonly commits: number;
  readonly additions: number;
  readonly deletions: number;
  readonly changed_files: number;
}

export async function sizeOf(
  service: Service,
  repo: RepoRow,
  { base_sha, head_sha }: Pick<PullRow, "base_sha" | "head_sha">,
): Promise<Size> {
  const dir = service.dirOf(repo);
  const fork = await mergeBase(dir, base_sha, head_sha);
  const [commits, files] = await Promise.all([
    commitsBetween(dir, base_sha, head_sha, 250),
    diffFiles(dir, fork, head_sha),
  ]);
  const sum = (key: "additions" | "deletions") => files.reduce((n, file) => n + file[key], 0);
  return {
    commits: commits.length,
    additions: sum("additions"),
    deletions: sum("deletions"),
    changed_files: files.length,
  };
}

/** A pull request by itself. */
export function pullBody(
  service: Service,
  repo: RepoRow,
  pull: PullRow,
  known: Mergeability & Size,
) {
  return {
    ...pullSimpleBody(service, repo, pull),
    ...known,
    merged: pull.merged_at !== null,
    merged_by: pull.merged_by === null ? null : userNamed(service, pull.merged_by),
    comments: 0,
    review_comments: 0,
    maintainer_can_modify: false,
  };
}
