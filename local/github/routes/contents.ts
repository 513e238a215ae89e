import * as z from "zod";
import { gitCommitBody } from "../bodies/commit.ts";
import { apiOf, pageOf } from "../bodies/repository.ts";
import { follow } from "../follow.ts";
import {
  listTree,
  readBlob,
  type TreeEntry,
  writeCommit,
  writeObject,
  writeTree,
} from "../git/objects.ts";
import { moveRef, NO_COMMIT } from "../git/refs.ts";
import { bodyOf, type Call, callerOf, param, repoToRead, repoToWrite } from "../http/call.ts";
import { notFound, Refusal, unprocessable } from "../http/errors.ts";
import { type Data, type Route, route } from "../http/route.ts";
import type { RepoRow } from "../store/repos.ts";
import { base64Lines } from "./git-data.ts";
import { given, personOf, requiredCommit } from "./resolve.ts";

const person = z.object({ name: z.string(), email: z.string(), date: z.string().optional() });
const newContent = z.object({
  message: z.string(),
  content: z.base64(),
  sha: z.string().optional(),
  branch: z.string().max(255).optional(),
  author: person.optional(),
  committer: person.optional(),
});

/** Larger files come without their content, as GitHub does it. */
const MAX_CONTENT = 1024 * 1024;

type Contents = Data<"GET /repos/{owner}/{repo}/contents/{path}">;
type Listed = Extract<Contents, readonly unknown[]>[number];

export const contents: Route[] = [
  route("GET /repos/{owner}/{repo}/contents/{path}", async (call) =>
    readPath(call, param(call, "path")),
  ),

  route("PUT /repos/{owner}/{repo}/contents/{path}", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const path = param(call, "path");
    const body = await bodyOf(call, newContent);
    const { login } = callerOf(call);
    const branch = (body.branch ?? repo.default_branch).replace(/^refs\/heads\//, "");
    const dir = service.dirOf(repo);
    const blob = await writeObject(dir, "blob", Buffer.from(body.content, "base64"));
    return await service.locked(repo, async () => {
      const refs = service.refs(repo);
      const head = refs.get(`refs/heads/${branch}`);
      if (head === undefined && refs.size > 0) throw new Refusal(404, `Branch ${branch} not found`);
      const [old] = head === undefined ? [] : await listTree(dir, head, { path });
      if (old && old.sha !== body.sha) {
        if (body.sha === undefined)
          throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.');
        throw new Refusal(409, `${path} does not match ${body.sha}`);
      }
      const mode = old?.type === "blob" ? old.mode : "100644";
      const made = await writeTree(dir, head ?? null, [{ path, mode, sha: blob }]);
      if ("refused" in made) throw unprocessable(`path is not valid: ${made.refused}`);
      const author = given(body.author, personOf(call, login));
      const committer = given(body.committer, author);
      const parents = head === undefined ? [] : [head];
      const commit = { ...made, parents, author, committer, message: body.message };
      const sha = await writeCommit(dir, commit);
      if (!(await moveRef(dir, `refs/heads/${branch}`, { sha, old: head ?? NO_COMMIT }))) {
        throw new Refusal(409, `${branch} has moved: read it again`);
      }
      await follow(service, repo, login);
      const [entry] = await listTree(dir, sha, { path });
      if (!entry) throw new Error(`${path} was not written`);
      const fileBody = pathBody(call, repo, sha, entry);
      return {
        status: old ? (200 as const) : (201 as const),
        data: {
          content: { ...fileBody, download_url: fileBody.download_url ?? undefined, type: "file" },
          commit: gitCommitBody(service, repo, { ...commit, sha }),
        },
      };
    });
  }),
];

/** The root directory has a route of its own, because a parameter is never empty. */
export async function readPath(call: Call, path: string) {
  const repo = repoToRead(call);
  const dir = call.service.dirOf(repo);
  const sha = await requiredCommit(call, repo, call.query.get("ref") ?? repo.default_branch);
  const at = path.replace(/^\/+|\/+$/g, "");
  const [entry] = at === "" ? [] : await listTree(dir, sha, { path: at });
  if (at !== "" && !entry) throw notFound();
  if (!entry || entry.type === "tree") {
    const entries = await listTree(dir, sha, at === "" ? {} : { path: `${at}/` });
    const listed = entries.map(
      (one): Listed => ({
        ...pathBody(call, repo, sha, one),
        type: kindOf(one),
      }),
    );
    return { data: listed };
  }
  if (entry.type === "commit") {
    const body = pathBody(call, repo, sha, entry);
    const submodule = { ...body, type: "submodule" as const, submodule_git_url: "" };
    return { data: submodule };
  }
  const bytes = await readBlob(dir, entry.sha);
  if (call.accept.includes("raw")) return { raw: bytes };
  const body = pathBody(call, repo, sha, entry);
  if (entry.mode === "120000") {
    return { data: { ...body, type: "symlink" as const, target: bytes.toString("utf8") } };
  }
  const small = bytes.length <= MAX_CONTENT;
  const file = { encoding: small ? "base64" : "none", content: small ? base64Lines(bytes) : "" };
  return { data: { ...body, ...file, type: "file" as const } };
}

function kindOf({ type, mode }: TreeEntry): Listed["type"] {
  if (type === "tree") return "dir";
  if (type === "commit") return "submodule";
  return mode === "120000" ? "symlink" : "file";
}

function pathBody({ service }: Call, repo: RepoRow, commit: string, entry: TreeEntry) {
  const path = entry.path.split("/").map(encodeURIComponent).join("/");
  const tree = entry.type === "tree";
  const self = `${apiOf(service, repo)}/contents/${path}?ref=${commit}`;
  const git = `${apiOf(service, repo)}/git/${tree ? "trees" : "blobs"}/${entry.sha}`;
  const html = `${pageOf(service, repo)}/${tree ? "tree" : "blob"}/${commit}/${path}`;
  return {
    name: entry.path.split("/").at(-1) ?? entry.path,
    path: entry.path,
    sha: entry.sha,
    size: entry.size ?? 0,
    url: self,
    html_url: html,
    git_url: git,
    download_url: tree ? null : `${pageOf(service, repo)}/raw/${commit}/${path}`,
    _links: { self, git, html },
  };
}

/** `GET /repos/{owner}/{repo}/contents/` as the client writes it for the root. */
export const rootContents: Route = {
  ...route("GET /repos/{owner}/{repo}/contents/{path}", (call) => readPath(call, "")),
  match(path) {
    const [, owner, repo] = /^\/repos\/([^/]+)\/([^/]+)\/contents\/?$/.exec(path) ?? [];
    return owner && repo ? { owner, repo } : undefined;
  },
};
