import type { FileDiff } from "../git/diff.ts";
import type { Commit, Person } from "../git/objects.ts";
import type { Service } from "../service.ts";
import { timestamp } from "../store/database.ts";
import type { RepoRow } from "../store/repos.ts";
import { apiOf, pageOf } from "./repository.ts";
import { userOfEmail } from "./user.ts";

const UNSIGNED = {
  verified: false,
  reason: "unsigned",
  signature: null,
  payload: null,
  verified_at: null,
};

const dated = ({ name, email, when }: Person) => ({
  name,
  email,
  date: timestamp(Number.parseInt(when, 10) * 1000),
});

const nodeOf = (sha: string) => Buffer.from(`Commit:${sha}`).toString("base64");

/** A commit as the git data routes have it. */
export function gitCommitBody(service: Service, repo: RepoRow, commit: Commit) {
  const api = apiOf(service, repo);
  const html = pageOf(service, repo);
  return {
    sha: commit.sha,
    node_id: nodeOf(commit.sha),
    url: `${api}/git/commits/${commit.sha}`,
    html_url: `${html}/commit/${commit.sha}`,
    author: dated(commit.author),
    committer: dated(commit.committer),
    message: commit.message,
    tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/git/commits/${sha}`,
      html_url: `${html}/commit/${sha}`,
    })),
    verification: UNSIGNED,
  };
}

/** A commit as lists, comparisons and branches have it. */
export function commitBody(service: Service, repo: RepoRow, commit: Commit) {
  const url = `${apiOf(service, repo)}/commits/${commit.sha}`;
  const git = gitCommitBody(service, repo, commit);
  return {
    sha: commit.sha,
    node_id: git.node_id,
    url,
    html_url: git.html_url,
    comments_url: `${url}/comments`,
    commit: {
      url: git.url,
      author: git.author,
      committer: git.committer,
      message: commit.message,
      tree: git.tree,
      comment_count: 0,
      verification: UNSIGNED,
    },
    author: userOfEmail(service, commit.author.email),
    committer: userOfEmail(service, commit.committer.email),
    parents: git.parents.map((parent) => ({
      ...parent,
      url: `${apiOf(service, repo)}/commits/${parent.sha}`,
    })),
  };
}

/** A file that a commit, a comparison or a pull request changes. */
export function fileBody(service: Service, repo: RepoRow, sha: string, file: FileDiff) {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  const html = pageOf(service, repo);
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${html}/blob/${sha}/${path}`,
    raw_url: `${html}/raw/${sha}/${path}`,
    contents_url: `${apiOf(service, repo)}/contents/${path}?ref=${sha}`,
    ...(file.patch !== undefined && { patch: file.patch }),
    ...(file.previousPath !== undefined && { previous_filename: file.previousPath }),
  };
}
