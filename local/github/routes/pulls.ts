import * as z from "zod";
import { fileBody } from "../bodies/commit.ts";
import { pullEvent, tell } from "../bodies/events.ts";
import { mergeability, pullBody, pullSimpleBody, sizeOf, UNKNOWN } from "../bodies/pull.ts";
import { diffFiles } from "../git/diff.ts";
import { aheadBehind, mergeBase, moveRef } from "../git/refs.ts";
import {
  bodyOf,
  type Call,
  callerOf,
  paged,
  pullSeen,
  pullsSeen,
  repoToRead,
  repoToWrite,
} from "../http/call.ts";
import { invalid, notFound } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import { timestamp } from "../store/database.ts";
import type { PullRow } from "../store/pulls.ts";
import type { RepoRow } from "../store/repos.ts";

const newPull = z.object({
  title: z.string().min(1).max(256),
  head: z.string().min(1).max(300),
  base: z.string().min(1).max(255),
  body: z.string().max(65_536).nullish(),
  draft: z.boolean().default(false),
});
const changedPull = z.object({
  title: z.string().min(1).max(256).optional(),
  body: z.string().max(65_536).nullish(),
  state: z.enum(["open", "closed"]).optional(),
  base: z.string().optional(),
});

const wrong = (field: string, code: "invalid" | "missing") =>
  invalid({ resource: "PullRequest", field, code });
const custom = (message: string) => invalid({ resource: "PullRequest", code: "custom", message });

export const pulls: Route[] = [
  route("POST /repos/{owner}/{repo}/pulls", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const body = await bodyOf(call, newPull);
    const { login } = callerOf(call);
    const head = body.head.includes(":") ? branchOf(repo, body.head) : body.head;
    return await service.locked(repo, async () => {
      const refs = service.refs(repo);
      const headSha = head === undefined ? undefined : refs.get(`refs/heads/${head}`);
      const baseSha = refs.get(`refs/heads/${body.base}`);
      if (head === undefined || headSha === undefined) throw wrong("head", "invalid");
      if (baseSha === undefined) throw wrong("base", "invalid");
      refuseSecond(call, repo, head, body.base);
      const dir = service.dirOf(repo);
      if ((await aheadBehind(dir, baseSha, headSha)).ahead === 0) {
        throw custom(`No commits between ${body.base} and ${head}`);
      }
      if ((await mergeBase(dir, baseSha, headSha)) === null) {
        throw custom(`The ${head} branch has no history in common with ${body.base}`);
      }
      const { title, draft } = body;
      const shas = { head_sha: headSha, base_sha: baseSha };
      const size = await sizeOf(service, repo, shas);
      const pull = service.db.transaction(() => {
        const made = service.pulls.create(repo.id, {
          ...{ login, title, draft, body: body.body ?? null },
          ...{ ...shas, head_ref: head, base_ref: body.base },
        });
        const told = { action: "opened", pull: made, size, login };
        tell(service, repo, pullEvent(service, repo, told));
        return made;
      });
      service.onDelivery();
      await moveRef(dir, `refs/pull/${pull.number}/head`, { sha: headSha });
      const data = pullBody(service, repo, pull, { ...UNKNOWN, ...size });
      return { status: 201, data, headers: { location: data.url } };
    });
  }),

  route("GET /repos/{owner}/{repo}/pulls", async (call) => {
    const repo = repoToRead(call);
    const { query } = call;
    const state = query.get("state") ?? "open";
    const head = query.get("head");
    const base = query.get("base");
    const branch = head === null ? undefined : branchOf(repo, head);
    const sort = query.get("sort") === "updated" ? "updated_at" : "created_at";
    const down = (query.get("direction") ?? "desc") === "desc";
    const found = pullsSeen(call, repo)
      .filter((pull) => state === "all" || pull.state === state)
      // A head without its owner filters nothing, as on GitHub.
      .filter((pull) => !head?.includes(":") || pull.head_ref === branch)
      .filter((pull) => base === null || pull.base_ref === base)
      .toSorted((a, b) => a[sort].localeCompare(b[sort]) || a.number - b.number);
    const { items, headers } = paged(call, down ? found.reverse() : found);
    return { data: items.map((pull) => pullSimpleBody(call.service, repo, pull)), headers };
  }),

  route("GET /repos/{owner}/{repo}/pulls/{pull_number}", async (call) => {
    const repo = repoToRead(call);
    return { data: await wholeBody(call, repo, pullSeen(call, repo)) };
  }),

  route("PATCH /repos/{owner}/{repo}/pulls/{pull_number}", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const { state, base, ...changes } = await bodyOf(call, changedPull);
    return await service.locked(repo, async () => {
      const pull = pullSeen(call, repo);
      const rebased =
        base !== undefined && base !== pull.base_ref ? onto(call, repo, pull, base) : {};
      const turned = state !== undefined && state !== pull.state;
      const reopened = turned && state === "open" ? await reopening(call, repo, pull) : {};
      const closed_at = state === "closed" ? timestamp() : null;
      const size = await sizeOf(service, repo, { ...pull, ...reopened, ...rebased });
      service.db.transaction(() => {
        const turn = turned ? { state, closed_at } : {};
        service.pulls.change(pull.id, { ...changes, ...reopened, ...rebased, ...turn });
        if (!turned) return;
        const action = state === "open" ? "reopened" : "closed";
        const told = { action, size, pull: pullSeen(call, repo), login: callerOf(call).login };
        tell(service, repo, pullEvent(service, repo, told));
      });
      service.onDelivery();
      return { data: await wholeBody(call, repo, pullSeen(call, repo)) };
    });
  }),

  route("GET /repos/{owner}/{repo}/pulls/{pull_number}/files", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const pull = pullSeen(call, repo);
    const dir = service.dirOf(repo);
    const fork = await mergeBase(dir, pull.base_sha, pull.head_sha);
    const { items, headers } = paged(call, await diffFiles(dir, fork, pull.head_sha));
    const data = items.map((file) => fileBody(service, repo, pull.head_sha, file));
    return { data, headers };
  }),
];

/** The branch of `owner:branch`; undefined when another owner is named, because there are no forks here. */
function branchOf({ owner }: RepoRow, head: string): string | undefined {
  const at = head.indexOf(":");
  return head.slice(0, at).toLowerCase() === owner.toLowerCase() ? head.slice(at + 1) : undefined;
}

function refuseSecond({ service }: Call, repo: RepoRow, head: string, base: string): void {
  const twin = (pull: PullRow) =>
    pull.state === "open" && pull.head_ref === head && pull.base_ref === base;
  if (!service.pulls.all(repo.id).some(twin)) return;
  throw custom(`A pull request already exists for ${repo.owner}:${head}.`);
}

/** What changes when a closed pull request is opened again. Throws 422 when it cannot be. */
async function reopening(call: Call, repo: RepoRow, pull: PullRow) {
  if (pull.merged_at !== null) throw wrong("state", "invalid");
  const refs = call.service.refs(repo);
  const head_sha = refs.get(`refs/heads/${pull.head_ref}`);
  if (head_sha === undefined) {
    throw custom(`state cannot be changed. The ${pull.head_ref} branch has been deleted.`);
  }
  refuseSecond(call, repo, pull.head_ref, pull.base_ref);
  if (!refs.has(`refs/heads/${pull.base_ref}`)) throw notFound();
  return { head_sha };
}

/** What changes when a pull request gets another base. Throws 422 when it cannot have it. */
function onto(call: Call, repo: RepoRow, pull: PullRow, base_ref: string) {
  if (pull.state !== "open") {
    throw custom("Cannot change the base branch of a closed pull request.");
  }
  const base_sha = call.service.refs(repo).get(`refs/heads/${base_ref}`);
  if (base_sha === undefined) throw wrong("base", "invalid");
  refuseSecond(call, repo, pull.head_ref, base_ref);
  return { base_ref, base_sha };
}

async function wholeBody(call: Call, repo: RepoRow, pull: PullRow) {
  const { service } = call;
  const size = await sizeOf(service, repo, pull);
  const merge = await mergeability(service, repo, pull);
  return pullBody(service, repo, pull, { ...merge, ...size });
}
