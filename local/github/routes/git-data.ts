import * as z from "zod";
import { gitCommitBody } from "../bodies/commit.ts";
import { apiOf } from "../bodies/repository.ts";
import {
  kindOf,
  listTree,
  readBlob,
  readCommit,
  type TreeChange,
  writeCommit,
  writeObject,
  writeTree,
} from "../git/objects.ts";
import { bodyOf, type Call, callerOf, param, repoToRead, repoToWrite } from "../http/call.ts";
import { notFound, unprocessable } from "../http/errors.ts";
import { type Data, type Route, route } from "../http/route.ts";
import type { RepoRow } from "../store/repos.ts";
import { commitOf, given, notEmpty, personOf, treeOf } from "./resolve.ts";

const sha = z.string().regex(/^[0-9a-f]{40}$/, "must be 40 hexadecimal digits");
const newBlob = z.object({
  content: z.string(),
  encoding: z.enum(["utf-8", "base64"]).default("utf-8"),
});
const entry = z.object({
  path: z.string().min(1).max(4096),
  mode: z.enum(["100644", "100755", "040000", "160000", "120000"]),
  type: z.enum(["blob", "tree", "commit"]).optional(),
  sha: sha.nullish(),
  content: z.string().optional(),
});
const newTree = z.object({ base_tree: z.string().optional(), tree: z.array(entry).max(100_000) });
const person = z.object({ name: z.string(), email: z.string(), date: z.string().optional() });
const newCommit = z.object({
  message: z.string(),
  tree: sha,
  parents: z.array(sha).max(64).default([]),
  author: person.optional(),
  committer: person.optional(),
});

/** GitHub lists so much of a recursive tree and says that it was cut. */
const MAX_ENTRIES = 100_000;

export const gitData: Route[] = [
  route("POST /repos/{owner}/{repo}/git/blobs", async (call) => {
    const repo = repoToWrite(call);
    const { content, encoding } = await bodyOf(call, newBlob);
    await notEmpty(call, repo);
    const bytes = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
    const sha = await writeObject(call.service.dirOf(repo), "blob", bytes);
    const url = `${apiOf(call.service, repo)}/git/blobs/${sha}`;
    return { status: 201, data: { sha, url }, headers: { location: url } };
  }),

  route("GET /repos/{owner}/{repo}/git/blobs/{file_sha}", async (call) => {
    const repo = repoToRead(call);
    const dir = call.service.dirOf(repo);
    const sha = param(call, "file_sha");
    const kind = await kindOf(dir, sha);
    if (kind?.type !== "blob") throw notFound();
    const bytes = await readBlob(dir, sha);
    if (call.accept.includes("raw")) return { raw: bytes };
    return {
      data: {
        sha,
        node_id: Buffer.from(`Blob:${sha}`).toString("base64"),
        size: kind.size,
        url: `${apiOf(call.service, repo)}/git/blobs/${sha}`,
        content: base64Lines(bytes),
        encoding: "base64",
      },
    };
  }),

  route("POST /repos/{owner}/{repo}/git/trees", async (call) => {
    const repo = repoToWrite(call);
    const { base_tree, tree } = await bodyOf(call, newTree);
    await notEmpty(call, repo);
    const base = base_tree === undefined ? null : await baseTree(call, repo, base_tree);
    const changes: TreeChange[] = [];
    for (const item of tree) changes.push(await changeOf(call, repo, item));
    const made = await writeTree(call.service.dirOf(repo), base, changes);
    if ("refused" in made) throw unprocessable(`tree is not valid: ${made.refused}`);
    return { status: 201, data: await treeBody(call, repo, made.tree, false) };
  }),

  route("GET /repos/{owner}/{repo}/git/trees/{tree_sha}", async (call) => {
    const repo = repoToRead(call);
    const name = param(call, "tree_sha");
    const commit = await commitOf(call, repo, name);
    const tree = await treeOf(call, repo, commit ?? name);
    if (tree === undefined) {
      await notEmpty(call, repo);
      throw notFound();
    }
    return { data: await treeBody(call, repo, tree, call.query.has("recursive")) };
  }),

  route("POST /repos/{owner}/{repo}/git/commits", async (call) => {
    const repo = repoToWrite(call);
    const body = await bodyOf(call, newCommit);
    await notEmpty(call, repo);
    const dir = call.service.dirOf(repo);
    if ((await kindOf(dir, body.tree))?.type !== "tree") {
      throw unprocessable("Tree SHA does not exist");
    }
    for (const parent of body.parents) {
      if ((await kindOf(dir, parent))?.type !== "commit") {
        throw unprocessable("Parent SHA does not exist or is not a commit object");
      }
    }
    const author = given(body.author, personOf(call, callerOf(call).login));
    const committer = given(body.committer, author);
    const { tree, parents, message } = body;
    const sha = await writeCommit(dir, { tree, parents, message, author, committer });
    return { status: 201, data: await commitData(call, repo, sha) };
  }),

  route("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", async (call) => {
    return { data: await commitData(call, repoToRead(call), param(call, "commit_sha")) };
  }),
];

async function baseTree(call: Call, repo: RepoRow, base: string): Promise<string> {
  const tree = await treeOf(call, repo, base);
  if (tree === undefined) throw unprocessable("base_tree is not a valid tree SHA");
  return tree;
}

async function changeOf(
  call: Call,
  repo: RepoRow,
  { path, mode, sha, content }: z.infer<typeof entry>,
): Promise<TreeChange> {
  const dir = call.service.dirOf(repo);
  if (content !== undefined && sha != null) {
    throw unprocessable("Must supply either tree.sha or tree.content, not both");
  }
  if (content !== undefined) return { path, mode, sha: await writeObject(dir, "blob", content) };
  if (sha === undefined) throw unprocessable("Must supply tree.sha or tree.content");
  const wanted = mode === "040000" ? "tree" : "blob";
  if (sha !== null && mode !== "160000" && (await kindOf(dir, sha))?.type !== wanted) {
    throw unprocessable(`tree.sha ${sha} is not a valid ${wanted}`);
  }
  return { path, mode, sha };
}

async function treeBody(
  call: Call,
  repo: RepoRow,
  sha: string,
  recursive: boolean,
): Promise<Data<"GET /repos/{owner}/{repo}/git/trees/{tree_sha}">> {
  const api = apiOf(call.service, repo);
  const entries = await listTree(call.service.dirOf(repo), sha, { recursive });
  const tree = entries.slice(0, MAX_ENTRIES).map(({ path, mode, type, sha, size }) => ({
    ...{ path, mode, type, sha },
    ...(size !== null && { size }),
    ...(type !== "commit" && { url: `${api}/git/${type}s/${sha}` }),
  }));
  return { sha, url: `${api}/git/trees/${sha}`, tree, truncated: entries.length > MAX_ENTRIES };
}

async function commitData(call: Call, repo: RepoRow, sha: string) {
  const { service } = call;
  const known = (await kindOf(service.dirOf(repo), sha))?.type === "commit";
  const commit = known ? await readCommit(service.dirOf(repo), sha) : undefined;
  if (commit) return gitCommitBody(service, repo, commit);
  await notEmpty(call, repo);
  throw notFound();
}

/** Base64 as GitHub writes it: a line end after every 60 characters. */
export function base64Lines(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll(/.{1,60}/g, "$&\n");
}
