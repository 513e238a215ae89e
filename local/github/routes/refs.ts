import * as z from "zod";
import { apiOf } from "../bodies/repository.ts";
import { follow } from "../follow.ts";
import { kindOf } from "../git/objects.ts";
import { isAncestor, isRefName, moveRef, NO_COMMIT } from "../git/refs.ts";
import {
  bodyOf,
  type Call,
  callerOf,
  param,
  refsSeen,
  repoToRead,
  repoToWrite,
} from "../http/call.ts";
import { notFound, unprocessable } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import type { RepoRow } from "../store/repos.ts";
import { notEmpty } from "./resolve.ts";

const sha = z.string().regex(/^[0-9a-f]{40}$/, "must be 40 hexadecimal digits");
const newRef = z.object({ ref: z.string().max(1000), sha });
const movedRef = z.object({ sha, force: z.boolean().default(false) });

export const references: Route[] = [
  route("GET /repos/{owner}/{repo}/git/ref/{ref}", async (call) => {
    const repo = repoToRead(call);
    const ref = `refs/${param(call, "ref")}`;
    const sha = refsSeen(call, repo).get(ref);
    if (sha !== undefined) return { data: await refBody(call, repo, ref, sha) };
    await notEmpty(call, repo);
    throw notFound();
  }),

  route("GET /repos/{owner}/{repo}/git/matching-refs/{ref}", async (call) => {
    const repo = repoToRead(call);
    const prefix = `refs/${param(call, "ref")}`;
    const found = [...refsSeen(call, repo)].filter(([ref]) => ref.startsWith(prefix));
    return { data: await Promise.all(found.map(([ref, at]) => refBody(call, repo, ref, at))) };
  }),

  route("POST /repos/{owner}/{repo}/git/refs", async (call) => {
    const repo = repoToWrite(call);
    const { ref, sha } = await bodyOf(call, newRef);
    await notEmpty(call, repo);
    if (!(await isRefName(ref)) || !/^refs\/(heads|tags)\//.test(ref)) {
      throw unprocessable(`${ref} is not a valid ref name.`);
    }
    await existing(call, repo, sha);
    await moving(call, repo, async (dir) => {
      if (await moveRef(dir, ref, { sha, old: NO_COMMIT })) return;
      const taken = call.service.refs(repo).has(ref);
      throw unprocessable(taken ? "Reference already exists" : "Reference update failed");
    });
    const data = await refBody(call, repo, ref, sha);
    return { status: 201, data, headers: { location: data.url } };
  }),

  route("PATCH /repos/{owner}/{repo}/git/refs/{ref}", async (call) => {
    const repo = repoToWrite(call);
    const ref = `refs/${param(call, "ref")}`;
    const { sha, force } = await bodyOf(call, movedRef);
    await existing(call, repo, sha);
    await moving(call, repo, async (dir) => {
      const old = call.service.refs(repo).get(ref);
      if (old === undefined) throw unprocessable("Reference does not exist");
      if (!force && !(await isAncestor(dir, old, sha))) {
        throw unprocessable("Update is not a fast forward");
      }
      if (!(await moveRef(dir, ref, { sha, old }))) throw unprocessable("Reference update failed");
    });
    return { data: await refBody(call, repo, ref, sha) };
  }),

  route("DELETE /repos/{owner}/{repo}/git/refs/{ref}", async (call) => {
    const repo = repoToWrite(call);
    const ref = `refs/${param(call, "ref")}`;
    await moving(call, repo, async (dir) => {
      const old = call.service.refs(repo).get(ref);
      if (old === undefined) throw unprocessable("Reference does not exist");
      const branch = ref.slice("refs/heads/".length);
      if (ref.startsWith("refs/heads/") && call.service.checks.protection(repo.id, branch)) {
        throw unprocessable("Cannot delete this protected branch");
      }
      if (ref === `refs/heads/${repo.default_branch}`) {
        throw unprocessable("Cannot delete the default branch");
      }
      const sha = NO_COMMIT;
      if (!(await moveRef(dir, ref, { sha, old }))) throw unprocessable("Reference update failed");
    });
    return { status: 204 };
  }),
];

/** Moves references with the repository's lock, and lets the rest follow. */
async function moving(call: Call, repo: RepoRow, move: (dir: string) => Promise<void>) {
  const { service } = call;
  await service.locked(repo, async () => {
    await move(service.dirOf(repo));
    await follow(service, repo, callerOf(call).login);
  });
}

async function existing(call: Call, repo: RepoRow, sha: string): Promise<void> {
  const kind = await kindOf(call.service.dirOf(repo), sha);
  if (kind === undefined) throw unprocessable("Object does not exist");
  if (kind.type !== "commit" && kind.type !== "tag") {
    throw unprocessable("Reference must point to a commit");
  }
}

async function refBody(call: Call, repo: RepoRow, ref: string, sha: string) {
  const api = apiOf(call.service, repo);
  const type = ref.startsWith("refs/heads/")
    ? "commit"
    : ((await kindOf(call.service.dirOf(repo), sha))?.type ?? "commit");
  return {
    ref,
    node_id: Buffer.from(`Ref:${ref}`).toString("base64"),
    url: `${api}/git/${ref}`,
    object: { type, sha, url: `${api}/git/${type}s/${sha}` },
  };
}
