import { once } from "node:events";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve, sep } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyFiles, outputOf } from "./build/output.ts";
import { answerStatic, segmentsOf } from "./static.ts";

let work: string;
let dir: string;
let server: Server;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "countersign-static-"));
  dir = join(work, "site");
  await mkdir(join(dir, "docs"), { recursive: true });
  await writeFile(join(work, "secret.txt"), "secret");
  await writeFile(join(dir, "index.html"), "home");
  await writeFile(join(dir, "docs", "index.html"), "docs");
  await writeFile(join(dir, "a b.css"), "css");
  await symlink(join(work, "secret.txt"), join(dir, "link.txt"));
  await symlink(work, join(dir, "up"));
  server = createServer((request, response) => answerStatic({ dir }, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  server.close();
  await rm(work, { recursive: true, force: true });
});

/** A request whose path no client has tidied up. */
async function raw(path: string, method = "GET"): Promise<{ head: string; body: string }> {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(`${method} ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const at = text.indexOf("\r\n\r\n");
  return { head: text.slice(0, at), body: text.slice(at + 4) };
}

test.each([
  ["/", "200", "home", "text/html"],
  ["/docs", "200", "docs", "text/html"],
  ["/docs/?a=/../..", "200", "docs", "text/html"],
  ["/a%20b.css", "200", "css", "text/css"],
  ["/none", "404", "NOT_FOUND\n", "text/plain"],
])("%s: %s %s", async (path, status, body, type) => {
  const answer = await raw(path);
  expect(answer.body).toBe(body);
  expect(answer.head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer.head).toContain(`content-type: ${type}`);
});

test.each([
  "/../secret.txt",
  "/docs/../../secret.txt",
  "/%2e%2e/secret.txt",
  "/..%2fsecret.txt",
  "/docs/..%2f..%2fsecret.txt",
  "/..%5csecret.txt",
  "/%00/../secret.txt",
  "/%",
  "/link.txt",
  "/up/secret.txt",
  "http://127.0.0.1/../secret.txt",
])("%s leads nowhere", async (path) => {
  const { head, body } = await raw(path);
  expect(head).toMatch(/^HTTP\/1.1 40[04] /);
  expect(body).not.toContain("secret");
});

test("only GET and HEAD are answered, HEAD without the file", async () => {
  expect((await raw("/", "POST")).head).toMatch(/ 405 /);
  const { head, body } = await raw("/", "HEAD");
  expect(head).toContain("content-length: 4");
  expect(body).toBe("");
});

test("whatever is asked for, it lies below the site", () => {
  const piece = fc.oneof(
    fc.constantFrom("..", ".", "%2e%2e", "%2f", "%5c", "%00", "//", "\\", "?", "#", "%", "%c0%ae"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const segments = segmentsOf(`/${pieces.join("/")}`);
      if (segments === null) return;
      const path = resolve(join("/site", ...segments));
      expect(path === "/site" || path.startsWith(`/site${sep}`)).toBe(true);
    }),
  );
});

test("of a build's output plain files are copied: no links, nothing hidden, no packages", async () => {
  const from = join(work, "tree");
  await mkdir(join(from, "dist", ".hidden"), { recursive: true });
  await mkdir(join(from, "dist", "node_modules"), { recursive: true });
  await writeFile(join(from, "dist", "a.txt"), "a");
  await writeFile(join(from, "dist", ".env"), "secret");
  await writeFile(join(from, "dist", ".hidden", "b.txt"), "secret");
  await writeFile(join(from, "dist", "node_modules", "c.js"), "c");
  await symlink(join(work, "secret.txt"), join(from, "dist", "link.txt"));
  await symlink(work, join(from, "dist", "up"));
  expect(await outputOf(from)).toBe(join(from, "dist"));
  expect(await copyFiles(await outputOf(from), join(work, "copied"))).toBe(1);
  // A link in the place of the output is not followed either.
  const linked = join(work, "linked");
  await mkdir(linked);
  await symlink(work, join(linked, "dist"));
  expect(await outputOf(linked)).toBe(linked);
});
