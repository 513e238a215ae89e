import * as z from "zod";
import { follow } from "../follow.ts";
import { mergeCommit } from "../git/merge.ts";
import { readCommits } from "../git/objects.ts";
import { commitsBetween, isAncestor, moveRef } from "../git/refs.ts";
import { bodyOf, type Call, callerOf, pullSeen, repoToWrite } from "../http/call.ts";
import { Refusal } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import type { PullRow } from "../store/pulls.ts";
import type { RepoRow } from "../store/repos.ts";
import { GITHUB, personOf } from "./resolve.ts";

const newMerge = z
  .object({
    commit_title: z.string().max(1000).optional(),
    commit_message: z.string().max(100_000).optional(),
    sha: z.string().optional(),
    merge_method: z.enum(["merge", "squash", "rebase"]).default("merge"),
  })
  .default({ merge_method: "merge" });
type NewMerge = z.infer<typeof newMerge>;

const cannot = (message: string) => new Refusal(405, message);
const MOVED = "Base branch was modified. Review and try the merge again.";

export const merging: Route[] = [
  route("PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const body = await bodyOf(call, newMerge);
    const { login } = callerOf(call);
    return await service.locked(repo, async () => {
      // A push that nobody has followed yet moves the head now.
      await follow(service, repo, login);
      const pull = pullSeen(call, repo);
      const base = service.refs(repo).get(`refs/heads/${pull.base_ref}`);
      if (pull.state !== "open" || base === undefined)
        throw cannot("Pull Request is not mergeable");
      if (body.sha !== undefined && body.sha !== pull.head_sha) {
        throw new Refusal(409, "Head branch was modified. Review and try the merge again.");
      }
      await refuseBlocked(call, repo, pull, base);
      const dir = service.dirOf(repo);
      const merged = await mergeCommit(dir, {
        method: body.merge_method,
        base,
        head: pull.head_sha,
        message: await messageOf(call, repo, { pull, base, body }),
        author: personOf(call, body.merge_method === "squash" ? pull.login : login),
        committer: GITHUB(),
      });
      if (merged === null) throw cannot("Pull Request is not mergeable");
      // Written first: whoever finds this commit in the base branch knows then what put it there, also after a crash.
      service.pulls.change(pull.id, { merging_by: login, merging_sha: merged });
      const ref = `refs/heads/${pull.base_ref}`;
      if (!(await moveRef(dir, ref, { sha: merged, old: base }))) throw cannot(MOVED);
      await follow(service, repo, login);
      const message = "Pull Request successfully merged";
      return { data: { sha: merged, merged: true, message } };
    });
  }),
];

/** Throws 405 for a draft, for checks that are demanded and have not succeeded, and for a head that is behind where that matters. */
async function refuseBlocked({ service }: Call, repo: RepoRow, pull: PullRow, base: string) {
  if (pull.draft === 1) throw cannot("Pull Request is still a draft");
  const protection = service.checks.protection(repo.id, pull.base_ref);
  if (!protection) return;
  const [first, ...more] = service.checks.missing(protection, repo.id, pull.head_sha);
  if (first !== undefined) {
    const one = `Required status check "${first}" is expected.`;
    const all = `${more.length + 1} of ${protection.contexts.length} required status checks are expected.`;
    throw cannot(more.length === 0 ? one : all);
  }
  if (protection.strict && !(await isAncestor(service.dirOf(repo), base, pull.head_sha))) {
    throw cannot("The head branch is not up to date with the base branch.");
  }
}

async function messageOf(
  { service }: Call,
  repo: RepoRow,
  { pull, base, body }: { pull: PullRow; base: string; body: NewMerge },
): Promise<string> {
  const { commit_title, commit_message, merge_method } = body;
  if (merge_method === "merge") {
    const title = `Merge pull request #${pull.number} from ${repo.owner}/${pull.head_ref}`;
    return joined(commit_title ?? title, commit_message ?? pull.title);
  }
  if (commit_message !== undefined) {
    return joined(commit_title ?? `${pull.title} (#${pull.number})`, commit_message);
  }
  const dir = service.dirOf(repo);
  const commits = await readCommits(dir, await commitsBetween(dir, base, pull.head_sha, 250));
  const [only, ...more] = commits;
  // One commit gives its own message, several are listed.
  const text =
    only && more.length === 0
      ? only.message.split("\n").slice(1).join("\n").trim()
      : commits.map(({ message }) => `* ${message.trim()}`).join("\n\n");
  return joined(commit_title ?? `${pull.title} (#${pull.number})`, text);
}

const joined = (title: string, text: string) => (text === "" ? title : `${title}\n\n${text}`);
