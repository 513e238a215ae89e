import type { RepoName } from "./branches.ts";
import { github } from "./client.ts";

/** A status or a check run of a commit. */
export interface Check {
  readonly name: string;
  readonly state: "good" | "bad" | "pending";
  /** GitHub's own word: `failure`, `timed_out`, `in_progress`. */
  readonly said: string;
}

/** Conclusions that GitHub itself lets pass where a check is required. */
const GOOD = ["success", "neutral", "skipped"];

/** Everything that has been said about a commit, statuses and check runs together, the newest word of each name; at most 200. */
export async function checksOf(name: RepoName, sha: string, signal: AbortSignal): Promise<Check[]> {
  const what = `read the checks of ${sha} of ${name.owner}/${name.repo}`;
  const page = { per_page: 100, request: { signal } };
  const [statuses, runs] = await Promise.all([
    github(what, ({ rest }) => rest.repos.getCombinedStatusForRef({ ...name, ref: sha, ...page })),
    github(what, ({ rest }) =>
      rest.checks.listForRef({ ...name, ref: sha, filter: "latest", ...page }),
    ),
  ]);
  const said = statuses.data.statuses.map(({ context, state }): Check => {
    const known = state === "success" ? "good" : state === "pending" ? "pending" : "bad";
    return { name: context, state: known, said: state };
  });
  const run = runs.data.check_runs.map(({ name, status, conclusion }): Check => {
    if (status !== "completed") return { name, state: "pending", said: status };
    const good = conclusion !== null && GOOD.includes(conclusion);
    return { name, state: good ? "good" : "bad", said: conclusion ?? "no conclusion" };
  });
  return [...said, ...run];
}
