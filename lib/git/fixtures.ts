import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { git } from "./git.ts";

/** What a test puts at a path: a text or bytes, or another mode (`120000` symlink, `160000` submodule by its commit). */
export type Content = string | Buffer | { readonly mode: string; readonly data: string };
export type Files = Readonly<Record<string, Content>> | ReadonlyMap<string | Buffer, Content>;

/**
 * Makes a commit in a bare repository with exactly these files, at the tip of `branch`, through `git fast-import`.
 * Paths may be bytes. Returns its id.
 */
export async function commitFiles(dir: string, files: Files, branch = "main"): Promise<string> {
  const parts: Buffer[] = [];
  const say = (text: string | Buffer) => parts.push(Buffer.from(text));
  const data = (bytes: Buffer) => {
    say(`data ${bytes.length}\n`);
    say(bytes);
    say("\n");
  };
  say(`commit refs/heads/${branch}\ncommitter A <a@example.com> 1700000000 +0000\n`);
  data(Buffer.from("a commit"));
  const tip = await git(["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`], {
    dir,
  });
  if (tip.length > 0) say(`from ${tip.toString().trim()}\n`);
  say("deleteall\n");
  for (const [path, content] of files instanceof Map ? files : Object.entries(files)) {
    const special = typeof content === "object" && !Buffer.isBuffer(content) ? content : null;
    if (special?.mode === "160000") say(`M 160000 ${special.data} `);
    else say(`M ${special?.mode ?? "100644"} inline `);
    say(path);
    say("\n");
    if (special?.mode !== "160000") data(Buffer.from(special ? special.data : (content as string)));
  }
  await git(["fast-import", "--quiet"], { dir, input: Buffer.concat(parts) });
  const sha = await git(["rev-parse", `refs/heads/${branch}`], { dir });
  return sha.toString().trim();
}

/** A server of one bare repository over smart HTTP, as GitHub's are; `token` opens it. */
export async function serveRepository(
  dir: string,
  token: string,
): Promise<{ url: string; server: Server }> {
  const { stdout } = await promisify(execFile)("git", ["--exec-path"]);
  const server = createServer((request, response) => {
    const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
    if (request.headers.authorization !== `Basic ${basic}`) {
      response.writeHead(401, { "www-authenticate": "Basic" }).end("no");
      return;
    }
    backend({ program: `${stdout.trim()}/git-http-backend`, dir }, request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/acme/shop.git`, server };
}

function backend(
  { program, dir }: { program: string; dir: string },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const child = spawn(program, {
    env: {
      ...{ GIT_PROJECT_ROOT: dir, GIT_HTTP_EXPORT_ALL: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
      ...{
        PATH_INFO: url.pathname.replace("/acme/shop.git", ""),
        QUERY_STRING: url.search.slice(1),
      },
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "test",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(child.stdin);
  child.stdin.on("error", () => undefined);
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  child.on("close", () => {
    const answer = Buffer.concat(parts);
    const end = answer.indexOf("\r\n\r\n");
    for (const line of answer.toString("latin1", 0, end).split("\r\n")) {
      const [name = "", ...value] = line.split(": ");
      if (name === "Status") response.statusCode = Number.parseInt(value.join(), 10);
      else response.setHeader(name, value.join(": "));
    }
    response.end(answer.subarray(end + 4));
  });
}
