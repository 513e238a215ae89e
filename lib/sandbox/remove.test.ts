import { execFile } from "node:child_process";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { removeTree } from "./remove.ts";
import { tooLarge } from "./watch.ts";
import { makeWorkspace, workspaceAt } from "./workspace.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "remove-test-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/**
 * Makes directories in each other, to twice as deep as a path can name, from inside: with a closed one, one whose name is no
 * text and a link to `outside` at each level.
 */
const DEEP = `
  const { mkdirSync, symlinkSync, writeFileSync, chmodSync } = require("node:fs");
  const [dir, outside] = process.argv.slice(1);
  process.chdir(dir);
  for (let level = 0; level < 45; level++) {
    mkdirSync("x".repeat(200));
    process.chdir("x".repeat(200));
    symlinkSync(outside, "link");
    mkdirSync("closed/in", { recursive: true });
    chmodSync("closed", 0);
    mkdirSync(Buffer.from([0xff, 0x2f, 0x61]), { recursive: true });
    writeFileSync("file", "some bytes");
  }`;

async function deep(name: string): Promise<{ dir: string; outside: string }> {
  const [dir, outside] = [join(root, name), join(root, `${name}-outside`)];
  for (const one of [dir, outside]) await mkdir(one);
  await writeFile(join(outside, "kept"), "kept");
  await promisify(execFile)(process.execPath, ["-e", DEEP, dir, outside]);
  return { dir, outside };
}

it("removes a tree that is deeper than a path can name, and follows no link", async () => {
  const { dir, outside } = await deep("tree");
  await symlink(outside, join(dir, "link"));
  await removeTree(dir);
  await removeTree(dir);
  expect(await readdir(root)).not.toContain("tree");
  expect(await readFile(join(outside, "kept"), "utf8")).toBe("kept");
});

it("makes a sandbox beside one that was left behind like that, and removes that one", async () => {
  const { dir } = await deep("left.behind");
  const long = new Date(Date.now() - 25 * 60 * 60_000);
  await utimes(dir, long, long);
  const space = workspaceAt(root, "next");
  await makeWorkspace(space, nothing(), { maxBytes: 0, maxFiles: 0 });
  expect(await readdir(root)).not.toContain("left.behind");
  await removeTree(space.dir);
});

it("takes what lies deeper than can be counted for too much, and counts what has no text for a name", async () => {
  const { dir } = await deep("counted");
  const usage = { maxDiskBytes: 1e9, maxFiles: 100_000 };
  expect(await tooLarge(dir, usage)).toContain("deeper");
  await removeTree(dir);
  const odd = join(root, "odd");
  const named = Buffer.concat([Buffer.from(`${odd}/`), Buffer.from([0xff])]);
  await mkdir(odd);
  await mkdir(named);
  await writeFile(Buffer.concat([named, Buffer.from("/large")]), Buffer.alloc(100_000, 1));
  expect(await tooLarge(odd, usage)).toBeNull();
  expect(await tooLarge(odd, { ...usage, maxDiskBytes: 50_000 })).toContain("50000 bytes");
});

async function* nothing() {}
