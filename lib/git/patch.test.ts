import { execFileSync } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { git } from "./git.ts";
import { changedFiles, diffText, treeOfDiff, treeOfFiles } from "./patch.ts";

let root: string;
let dir: string;
let base: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "patch-"));
  const work = join(root, "work");
  const run = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], { cwd: work });
  execFileSync("git", ["init", "-q", work]);
  await writeFile(join(work, "a.txt"), "one\ntwo\nthree\n");
  await writeFile(join(work, "run.sh"), "echo hello\n", { mode: 0o755 });
  await symlink("/etc", join(work, "link"));
  run("add", ".");
  run("commit", "-qm", "first");
  base = run("rev-parse", "HEAD").toString().trim();
  dir = join(work, ".git");
});
afterAll(() => rm(root, { recursive: true, force: true }));

const text = (content: string) => Buffer.from(content);

test("files are written, kept executable, added and removed, and git sees exactly that", async () => {
  const tree = await treeOfFiles(dir, base, [
    { path: "a.txt", bytes: text("one\n2\nthree\n") },
    { path: "run.sh", bytes: text("echo bye\n") },
    { path: "deep/er/new.ts", bytes: text("export {};\n"), executable: false },
  ]);
  expect(await changedFiles(dir, base, tree)).toMatchObject([
    { path: "a.txt", change: "changed", mode: "100644" },
    { path: "deep/er/new.ts", change: "added", mode: "100644" },
    { path: "run.sh", change: "changed", mode: "100755" },
  ]);
  const removed = await treeOfFiles(dir, base, [{ path: "a.txt", bytes: null }]);
  expect(await changedFiles(dir, base, removed)).toEqual([
    { path: "a.txt", change: "removed", mode: "100644", sha: null },
  ]);
});

test("a diff makes the tree that its files make, and reads as it was written", async () => {
  const tree = await treeOfFiles(dir, base, [{ path: "a.txt", bytes: text("one\n2\nthree\n") }]);
  const { text: diff, truncated } = await diffText(dir, base, tree, 10_000);
  expect(truncated).toBe(false);
  expect(diff).toContain("-two\n+2\n");
  expect(await treeOfDiff(dir, base, diff)).toBe(tree);
  expect(await diffText(dir, base, tree, 20)).toEqual({ text: diff.slice(0, 20), truncated: true });
});

test("a NUL that git does not look for is shown as a sign, so that a row can hold the difference", async () => {
  const late = `${"line\n".repeat(2_000)}\0end\n`;
  const tree = await treeOfFiles(dir, base, [{ path: "a.log", bytes: text(late) }]);
  const { text: diff } = await diffText(dir, base, tree, 20_000);
  expect(diff).toContain("+\u2400end\n");
  expect(diff).not.toContain("\0");
});

const hunk = (path: string) => `--- /dev/null\n+++ b/${path}\n@@ -0,0 +1 @@\n+x\n`;

test.each([
  ["context that is not there", "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-nine\n+9\n"],
  ["a file that is not there", "--- a/b.txt\n+++ b/b.txt\n@@ -1 +1 @@\n-nine\n+9\n"],
  ["no diff at all", "hello"],
  ["a path that leaves", hunk("../../etc/cron.d/x")],
  ["the repository's own directory", hunk(".git/hooks/post-commit")],
  ["the same as macOS reads it", hunk(".GIT/config")],
  ["a file behind a link", hunk("link/passwd")],
])("a diff with %s is refused", async (_, diff) => {
  await expect(treeOfDiff(dir, base, diff)).rejects.toMatchObject({
    code: "patch_does_not_apply",
    retry: false,
  });
});

test("a diff that makes a link is refused", async () => {
  const diff = `diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n`;
  const tree = await treeOfDiff(dir, base, diff);
  await expect(changedFiles(dir, base, tree)).rejects.toMatchObject({ code: "patch_mode" });
});

test.each([
  ["below a file", { path: "a.txt/x", bytes: text("x") }],
  ["behind a link", { path: "link/x", bytes: text("x") }],
  ["in the repository's own directory", { path: ".git/config", bytes: text("x") }],
  ["that leaves", { path: "../x", bytes: text("x") }],
  ["that is not there, to be removed", { path: "none", bytes: null }],
])("a file %s is refused", async (_, change) => {
  await expect(treeOfFiles(dir, base, [change])).rejects.toMatchObject({
    code: "patch_does_not_apply",
  });
});

test("what is written is read back, whatever its bytes and its name", async () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9 äß中"'\\$*?-]{1,20}$/).map((part) => `p/${part}`);
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(name, fc.uint8Array({ maxLength: 200 }), { minKeys: 1, maxKeys: 4 }),
      async (files) => {
        const changes = Object.entries(files).map(([path, bytes]) => ({
          ...{ path, bytes: Buffer.from(bytes) },
        }));
        const tree = await treeOfFiles(dir, base, changes);
        const changed = await changedFiles(dir, base, tree);
        expect(changed.map(({ path }) => path).sort()).toEqual(Object.keys(files).sort());
        for (const { path, sha } of changed) {
          const read = await git(["cat-file", "blob", sha ?? ""], { dir });
          expect(read.equals(Buffer.from(files[path] ?? []))).toBe(true);
        }
      },
    ),
    { numRuns: 8 },
  );
});
