import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { startGit } from "../../../lib/git/git.ts";
import { follow } from "../follow.ts";
import type { Service } from "../service.ts";
import type { Caller, RepoRow } from "../store/repos.ts";
import { authenticate } from "./auth.ts";
import { maySee } from "./call.ts";
import { Refusal } from "./errors.ts";

/** What git itself asks of a repository over HTTP. */
const PATH = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;
const ARCHIVE = /^\/([^/]+)\/([^/]+)\/legacy\.tar\.gz\/([0-9a-f]{40})$/;

export interface GitRequest {
  readonly owner: string;
  readonly name: string;
  /** `info/refs`, `git-upload-pack`, `git-receive-pack` or the id of a commit whose archive is wanted. */
  readonly what: string;
  readonly archive: boolean;
}

/** What a path asks for; undefined when it is not git's. */
export function gitRequest(path: string): GitRequest | undefined {
  const [, owner, name, what] = PATH.exec(path) ?? ARCHIVE.exec(path) ?? [];
  if (!owner || !name || !what) return undefined;
  return { owner, name, what, archive: ARCHIVE.test(path) };
}

/** Answers a clone, a fetch, a push or the download of an archive, on Node's own streams. */
export async function answerGit(
  service: Service,
  asked: GitRequest,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { search, searchParams } = new URL(incoming.url ?? "", service.origin);
  const writes = [asked.what, searchParams.get("service")].includes("git-receive-pack");
  let repo: RepoRow;
  let caller: Caller | null;
  try {
    caller = authenticate(service, incoming.headers.authorization);
    repo = allowed(service, asked, caller, writes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const headers = error.status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
    outgoing.writeHead(error.status, { "content-type": "text/plain", ...headers });
    outgoing.end(`${error.message}\n`);
    return;
  }
  if (asked.archive) return await sendArchive(service, repo, asked.what, outgoing);
  const path = `/${repo.id}.git/${asked.what}`;
  const login = caller?.login ?? null;
  const done = async () => {
    if (asked.what !== "git-receive-pack" || !login) return;
    // Before the answer ends: who has pushed finds everything done.
    await service.locked(repo, () => follow(service, repo, login));
  };
  await backend(service, { path, query: search.slice(1), login }, incoming, outgoing, done);
}

function allowed(
  service: Service,
  asked: GitRequest,
  caller: Caller | null,
  writes: boolean,
): RepoRow {
  const repo = service.repos.find(asked.owner, asked.name);
  if (!caller && (writes || !repo || repo.private === 1)) {
    throw new Refusal(401, "Authentication is required");
  }
  if (!repo || !maySee(caller, repo)) throw new Refusal(404, "Repository not found.");
  if (writes && caller?.permission !== "write") {
    throw new Refusal(403, `Permission to ${repo.owner}/${repo.name} denied.`);
  }
  return repo;
}

/** Runs `git http-backend` as its CGI and passes on what it says. */
async function backend(
  service: Service,
  asked: { path: string; query: string; login: string | null },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  done: () => Promise<void>,
): Promise<void> {
  const { headers, method = "GET" } = incoming;
  const header = (name: string) => String(headers[name] ?? "");
  const child = spawn("git", ["http-backend"], {
    cwd: service.root,
    env: {
      PATH: process.env.PATH,
      HOME: "/dev/null",
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_PROJECT_ROOT: service.root,
      GIT_HTTP_EXPORT_ALL: "1",
      REQUEST_METHOD: method,
      PATH_INFO: asked.path,
      QUERY_STRING: asked.query,
      CONTENT_TYPE: header("content-type"),
      ...(headers["content-length"] && { CONTENT_LENGTH: header("content-length") }),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      HTTP_GIT_PROTOCOL: header("git-protocol"),
      GIT_PROTOCOL: header("git-protocol"),
      REMOTE_ADDR: "127.0.0.1",
      ...(asked.login !== null && { REMOTE_USER: asked.login }),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // Whoever goes away takes the process along.
  outgoing.once("close", () => child.kill());
  // The backend may end before it has read everything; its answer says why.
  child.stdin.on("error", () => undefined);
  incoming.pipe(child.stdin);
  try {
    let head: Buffer | null = Buffer.alloc(0);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      if (head === null) {
        if (!outgoing.write(chunk)) await drained(outgoing);
        continue;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) continue;
      sendHead(head.toString("latin1", 0, end), outgoing);
      outgoing.write(head.subarray(end + 4));
      head = null;
    }
    if (head !== null) outgoing.writeHead(502);
  } finally {
    // What was pushed is there, also when nobody waits for the answer any more.
    await done();
  }
  outgoing.end();
}

/** The header of a CGI's answer as one of HTTP. */
function sendHead(text: string, outgoing: ServerResponse): void {
  let status = 200;
  for (const line of text.split("\r\n")) {
    const [, name = "", value = ""] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else if (name !== "") outgoing.setHeader(name, value);
  }
  outgoing.writeHead(status);
}

async function drained(outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return;
  await new Promise<void>((resolve) => {
    outgoing.once("drain", resolve);
    outgoing.once("close", resolve);
  });
}

/** A commit's files as a compressed tar, below one directory as GitHub has it. */
async function sendArchive(
  service: Service,
  repo: RepoRow,
  sha: string,
  outgoing: ServerResponse,
): Promise<void> {
  const prefix = `${repo.owner}-${repo.name}-${sha.slice(0, 7)}/`;
  const args = ["archive", "--format=tar.gz", `--prefix=${prefix}`, sha];
  const running = startGit(args, { dir: service.dirOf(repo) });
  outgoing.writeHead(200, {
    "content-type": "application/x-gzip",
    "content-disposition": `attachment; filename=${prefix.slice(0, -1)}.tar.gz`,
  });
  await pipeline(running.stdout, outgoing).finally(() => running.stop());
}
