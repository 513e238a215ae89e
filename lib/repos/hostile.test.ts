import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Content, commitFiles } from "../git/fixtures.ts";
import { git, startGit } from "../git/git.ts";
import { wantedFiles } from "./indexing/plan.ts";
import { readAndChunk } from "./indexing/read.ts";

let dir: string;
let witnesses: string;

beforeAll(async () => {
  witnesses = await mkdtemp(join(tmpdir(), "witnesses-"));
  dir = await mkdtemp(join(tmpdir(), "hostile-"));
  await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main"], { dir });
});
afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
  await rm(witnesses, { recursive: true, force: true });
});

const touch = (name: string) => `touch ${witnesses}/${name}`;
const KEY = `ghp_${"a1B2".repeat(9)}`;
const LFS = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`;

/** What each file is, and as what it is counted. */
const FILES: readonly (readonly [path: string | Buffer, content: Content, counted: string])[] = [
  ["package.json", `{"scripts":{"postinstall":"${touch("postinstall")}"}}`, "indexed"],
  ["n".repeat(10_000), "x", "path_too_long"],
  [`${"deep/".repeat(1500)}a.ts`, "x", "path_too_long"],
  ["sub", { mode: "160000", data: "1".repeat(40) }, "submodule"],
  [
    ".gitmodules",
    `[submodule "sub"]\n\tpath = sub\n\turl = file:///etc\n\tupdate = !${touch("submodule")}\n`,
    "indexed",
  ],
  ["model.onnx.txt", LFS, "lfs_pointer"],
  ["root", { mode: "120000", data: "/" }, "symlink"],
  ["up.ts", { mode: "120000", data: "../../../etc/passwd" }, "symlink"],
  [Buffer.from("caf\xe9.ts", "latin1"), "x", "invalid_utf8"],
  ["latin1.ts", Buffer.from("const caf\xe9 = 1;\n", "latin1"), "invalid_utf8"],
  [
    ".gitattributes",
    `* filter=evil diff=evil\n*.gen.txt linguist-generated\nthird/** linguist-vendored=true\n[attr]evil filter=x\n`,
    "indexed",
  ],
  ["a.gen.txt", "x", "generated"],
  ["third/x.ts", "export {};", "vendored"],
  ["hooks/post-checkout", `#!/bin/sh\n${touch("hook")}\n`, "indexed"],
  ["node_modules/x/index.js", "x", "vendored"],
  ["package-lock.json", "{}", "generated"],
  ["--upload-pack=x", "named like an option\n", "indexed"],
  [".env", `TOKEN=${KEY}`, "secret"],
  ["deploy/id_rsa", "x", "secret"],
  ["src/config.ts", `export const token = "${KEY}";\n`, "secret"],
  ["logo.png", "\u0089PNG", "binary"],
  ["blob", Buffer.from([1, 0, 2]), "binary"],
  ["zero", "", "empty"],
  ["nested.ts", `${"(".repeat(100_000)}${")".repeat(100_000)}`, "generated"],
  ["lines.ts", `${"[[[[[[[[{\n".repeat(8000)}`, "indexed"],
];

test("whatever a repository holds, it is indexed or counted by its reason, and nothing of it is run", async () => {
  const commit = await commitFiles(dir, new Map(FILES.map(([path, content]) => [path, content])));
  expect(await counted(commit)).toEqual(counts(FILES.map(([, , as]) => as)));
  expect(await readdir(witnesses)).toEqual([]);
}, 120_000);

test.each([".git/config", "a/.GIT/hooks/pre-commit", "../outside.ts", "a/./b.ts"])(
  "a tree that names %s is not followed",
  async (path) => {
    const commit = await rawCommit(path.split("/"));
    expect(await counted(commit)).toEqual({ unsafe_path: 1 });
  },
);

test("a file that is too large is counted and not read", async () => {
  const size = 2 ** 28;
  const head = `commit refs/heads/huge\ncommitter A <a@b> 1 +0000\ndata 0\nM 100644 inline huge.ts\ndata ${size}\n`;
  await fastImport(head, size);
  const commit = (await git(["rev-parse", "refs/heads/huge"], { dir })).toString().trim();
  const before = process.memoryUsage.rss();
  expect(await counted(commit)).toEqual({ too_large: 1 });
  expect(process.memoryUsage.rss() - before).toBeLessThan(size / 2);
}, 120_000);

async function counted(commit: string): Promise<Record<string, number>> {
  const { files, skipped } = await wantedFiles(dir, commit);
  const found: Record<string, number> = { ...skipped };
  for await (const { chunked } of readAndChunk(dir, files)) {
    const as = chunked.skipped ?? "indexed";
    found[as] = (found[as] ?? 0) + 1;
    expect(JSON.stringify(chunked)).not.toContain(KEY);
  }
  return found;
}

function counts(names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) found[name] = (found[name] ?? 0) + 1;
  return found;
}

/** A commit whose trees have names that git's own commands would not write. */
async function rawCommit(names: readonly string[]): Promise<string> {
  const write = async (type: string, input: Buffer) =>
    (await git(["hash-object", "-t", type, "-w", "--literally", "--stdin"], { dir, input }))
      .toString()
      .trim();
  let [mode, sha] = ["100644", await write("blob", Buffer.from("[core]\n\tfsmonitor = id\n"))];
  for (const name of names.toReversed()) {
    const entry = Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, "hex")]);
    [mode, sha] = ["40000", await write("tree", entry)];
  }
  return await write(
    "commit",
    Buffer.from(`tree ${sha}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n`),
  );
}

async function fastImport(head: string, zeros: number): Promise<void> {
  const running = startGit(["fast-import", "--quiet"], { dir });
  running.stdout.resume();
  running.stdin.write(head);
  const part = Buffer.alloc(2 ** 20);
  for (let left = zeros; left > 0; left -= part.length) {
    if (!running.stdin.write(part)) await new Promise((next) => running.stdin.once("drain", next));
  }
  running.stdin.end("\n");
  expect(await running.ended).toMatchObject({ exitCode: 0 });
}
