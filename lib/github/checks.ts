import { Unavailable } from "../errors.ts";
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

const PER_PAGE = 100;
const MAX_PAGES = 10;

/**
 * Everything that has been said about a commit, statuses and check runs together, the newest word of each name. Throws
 * Unavailable when there is more than 1,000 of either: what was not read must not count as good.
 */
export async function checksOf(name: RepoName, sha: string, signal: AbortSignal): Promise<Check[]> {
  const what = `read the checks of ${sha} of ${name.owner}/${name.repo}`;
  const ref = { ...name, ref: sha, per_page: PER_PAGE, request: { signal } };
  const [statuses, runs] = await Promise.all([
    everyPage(what, async (page) => {
      const ask = { ...ref, page };
      const { data } = await github(what, ({ rest }) => rest.repos.getCombinedStatusForRef(ask));
      return data.statuses;
    }),
    everyPage(what, async (page) => {
      const ask = { ...ref, filter: "latest" as const, page };
      const { data } = await github(what, ({ rest }) => rest.checks.listForRef(ask));
      return data.check_runs;
    }),
  ]);
  const said = statuses.map(({ context, state }): Check => {
    const known = state === "success" ? "good" : state === "pending" ? "pending" : "bad";
    return { name: context, state: known, said: state };
  });
  const run = runs.map(({ name, status, conclusion }): Check => {
    if (status !== "completed") return { name, state: "pending", said: status };
    const good = conclusion !== null && GOOD.includes(conclusion);
    return { name, state: good ? "good" : "bad", said: conclusion ?? "no conclusion" };
  });
  return [...said, ...run];
}

async function everyPage<T>(what: string, ask: (page: number) => Promise<T[]>): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const items = await ask(page);
    all.push(...items);
    if (items.length < PER_PAGE) return all;
  }
  throw new Unavailable("checks_too_many", `${what}: there are more than ${all.length}.`);
}
