import { orNull, type RepoName } from "./branches.ts";
import { github } from "./client.ts";

/** A pull request as we use it. */
export interface PullFacts {
  readonly number: number;
  readonly url: string;
  readonly open: boolean;
  readonly merged: boolean;
  readonly title: string;
  readonly body: string;
  readonly headBranch: string;
  readonly headSha: string;
  readonly baseBranch: string;
  /** Null: GitHub has not found out yet. */
  readonly mergeable: boolean | null;
  /** Of the merge, once merged. */
  readonly mergeSha: string | null;
}

/** One pull request; null when it is not there. */
export async function readPull(
  name: RepoName,
  number: number,
  signal: AbortSignal,
): Promise<PullFacts | null> {
  const what = `read the pull request ${number} of ${name.owner}/${name.repo}`;
  return await orNull(async () => {
    const { data } = await github(what, ({ rest }) =>
      rest.pulls.get({ ...name, pull_number: number, request: { signal } }),
    );
    return {
      ...facts(data),
      ...{ merged: data.merged, mergeable: data.mergeable, mergeSha: data.merge_commit_sha },
    };
  });
}

/** Pull requests, open and closed, whose head is this branch: the newest 100. */
export async function pullsOfBranch(
  name: RepoName,
  branch: string,
  signal: AbortSignal,
): Promise<PullFacts[]> {
  const what = `list the pull requests of ${name.owner}/${name.repo}`;
  const head = `${name.owner}:${branch}`;
  const { data } = await github(what, ({ rest }) =>
    rest.pulls.list({ ...name, head, state: "all", per_page: 100, request: { signal } }),
  );
  return data.map((pull) => ({
    ...facts(pull),
    ...{ merged: pull.merged_at !== null, mergeable: null, mergeSha: pull.merge_commit_sha },
  }));
}

/** Opens a pull request. Throws InvalidInput (422) when there is one for this head and base, or no difference. */
export async function openPull(
  name: RepoName,
  pull: { title: string; body: string; head: string; base: string },
  signal: AbortSignal,
): Promise<{ number: number; url: string }> {
  const { data } = await github(`open a pull request in ${name.owner}/${name.repo}`, ({ rest }) =>
    rest.pulls.create({ ...name, ...pull, request: { signal } }),
  );
  return { number: data.number, url: data.html_url };
}

/**
 * Merges a pull request whose head is exactly `sha`. Throws Conflict (409) when it is another, InvalidInput (405) when it
 * cannot be merged.
 */
export async function mergePull(
  name: RepoName,
  merge: {
    number: number;
    sha: string;
    method: "merge" | "squash";
    title: string;
    message: string;
  },
  signal: AbortSignal,
): Promise<string> {
  const what = `merge the pull request ${merge.number} of ${name.owner}/${name.repo}`;
  const { data } = await github(what, ({ rest }) =>
    rest.pulls.merge({
      ...name,
      pull_number: merge.number,
      sha: merge.sha,
      merge_method: merge.method,
      commit_title: merge.title,
      commit_message: merge.message,
      request: { signal },
    }),
  );
  return data.sha;
}

interface Pull {
  readonly number: number;
  readonly html_url: string;
  readonly state: string;
  readonly title: string;
  readonly body: string | null;
  readonly head: { readonly ref: string; readonly sha: string };
  readonly base: { readonly ref: string };
}

function facts({ number, html_url: url, state, title, body, head, base }: Pull) {
  return {
    ...{ number, url, title, open: state === "open", body: body ?? "" },
    ...{ headBranch: head.ref, headSha: head.sha, baseBranch: base.ref },
  };
}
