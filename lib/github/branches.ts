import { NotFound } from "../errors.ts";
import { github } from "./client.ts";

/** A repository by the names that GitHub knows it by. */
export interface RepoName {
  readonly owner: string;
  readonly repo: string;
}

export interface CommitFacts {
  readonly sha: string;
  readonly url: string;
  readonly message: string;
  readonly tree: string;
  readonly parents: readonly string[];
}

/** A file of a commit; `bytes: null` removes it. */
export interface CommitFile {
  readonly path: string;
  readonly mode: "100644" | "100755";
  readonly bytes: Buffer | null;
}

/** The commit at the head of a branch; null when there is no such branch. */
export async function branchHead(
  name: RepoName,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> {
  const what = `read the branch ${branch} of ${name.owner}/${name.repo}`;
  return await orNull(async () => {
    const { data } = await github(what, ({ rest }) =>
      rest.git.getRef({ ...name, ref: `heads/${branch}`, request: { signal } }),
    );
    return data.object.sha;
  });
}

/** One commit. */
export async function readCommit(
  name: RepoName,
  sha: string,
  signal: AbortSignal,
): Promise<CommitFacts> {
  const what = `read the commit ${sha} of ${name.owner}/${name.repo}`;
  const { data } = await github(what, ({ rest }) =>
    rest.git.getCommit({ ...name, commit_sha: sha, request: { signal } }),
  );
  const { html_url: url, message, tree, parents } = data;
  return { sha, url, message, tree: tree.sha, parents: parents.map((parent) => parent.sha) };
}

/** The newest commits of a branch that `base` does not have, at most 250, oldest first; null when there is no such branch. */
export async function commitsSince(
  name: RepoName,
  { base, branch }: { base: string; branch: string },
  signal: AbortSignal,
): Promise<CommitFacts[] | null> {
  const what = `compare the branch ${branch} of ${name.owner}/${name.repo}`;
  return await orNull(async () => {
    const { data } = await github(what, ({ rest }) =>
      rest.repos.compareCommitsWithBasehead({
        ...name,
        basehead: `${base}...${branch}`,
        request: { signal },
      }),
    );
    return data.commits.map(({ sha, html_url: url, commit, parents }) => ({
      ...{ sha, url, message: commit.message, tree: commit.tree.sha },
      parents: parents.map((parent) => parent.sha),
    }));
  });
}

/**
 * Makes the tree that `files` turn the tree of `base` into, without any branch having it yet, and returns its id. Text goes
 * with the tree in one request; each file that is no UTF-8 needs one of its own.
 */
export async function createTree(
  name: RepoName,
  { base, files }: { base: string; files: readonly CommitFile[] },
  signal: AbortSignal,
): Promise<string> {
  const what = `store the files in ${name.owner}/${name.repo}`;
  const request = { signal };
  const tree: (Entry & ({ content: string } | { sha: string | null }))[] = [];
  for (const { path, mode, bytes } of files) {
    const entry = { path, mode, type: "blob" as const };
    const text = bytes === null ? null : utf8(bytes);
    if (bytes === null) tree.push({ ...entry, sha: null });
    else if (text !== null) tree.push({ ...entry, content: text });
    else {
      const content = bytes.toString("base64");
      const blob = { ...name, content, encoding: "base64", request };
      const { data } = await github(what, ({ rest }) => rest.git.createBlob(blob));
      tree.push({ ...entry, sha: data.sha });
    }
  }
  const { data } = await github(what, ({ rest }) =>
    rest.git.createTree({ ...name, base_tree: base, tree, request }),
  );
  return data.sha;
}

interface Entry {
  readonly path: string;
  readonly mode: CommitFile["mode"];
  readonly type: "blob";
}

/** Makes a commit that no branch has yet. */
export async function createCommit(
  name: RepoName,
  commit: { message: string; tree: string; parent: string },
  signal: AbortSignal,
): Promise<{ sha: string; url: string }> {
  const { message, tree, parent } = commit;
  const { data } = await github(`make a commit in ${name.owner}/${name.repo}`, ({ rest }) =>
    rest.git.createCommit({ ...name, message, tree, parents: [parent], request: { signal } }),
  );
  return { sha: data.sha, url: data.html_url };
}

/** Makes a branch at a commit. Throws InvalidInput (422) when there is one of that name. */
export async function createBranch(
  name: RepoName,
  { branch, sha }: { branch: string; sha: string },
  signal: AbortSignal,
): Promise<void> {
  await github(`make the branch ${branch} of ${name.owner}/${name.repo}`, ({ rest }) =>
    rest.git.createRef({ ...name, ref: `refs/heads/${branch}`, sha, request: { signal } }),
  );
}

/** Removes a branch. Throws InvalidInput (422) when there is none of that name. */
export async function deleteBranch(
  name: RepoName,
  branch: string,
  signal: AbortSignal,
): Promise<void> {
  await github(`remove the branch ${branch} of ${name.owner}/${name.repo}`, ({ rest }) =>
    rest.git.deleteRef({ ...name, ref: `heads/${branch}`, request: { signal } }),
  );
}

/** The names of the checks that the branch's protection demands; none without protection. */
export async function requiredChecks(
  name: RepoName,
  branch: string,
  signal: AbortSignal,
): Promise<string[]> {
  const what = `read the protection of ${branch} of ${name.owner}/${name.repo}`;
  const { data } = await github(what, ({ rest }) =>
    rest.repos.getBranch({ ...name, branch, request: { signal } }),
  );
  return data.protection?.required_status_checks?.contexts ?? [];
}

/** What the call finds, null when GitHub says that it is not there. */
export async function orNull<T>(call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

/** The bytes as text when they are UTF-8, so that turning them back gives the same bytes; otherwise null. */
function utf8(bytes: Buffer): string | null {
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : null;
}
