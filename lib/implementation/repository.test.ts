import { afterEach, expect, test, vi } from "vitest";
import { commitFiles } from "../git/fixtures.ts";
import { changedFiles } from "../git/patch.ts";
import { openRepository } from "../git/workspace.ts";
import { bytesOf, treeFiles } from "./repository.ts";

afterEach(() => {
  vi.useRealTimers();
});

/** So much that git waits for its reader: both the contents and the list of files are more than pipes hold. */
const [LARGE, SMALL] = [5, 10_000];
const FILES = Object.fromEntries([
  ...Array.from({ length: LARGE }, (_, i) => [`a/${i}`, "x".repeat(300_000)]),
  ...Array.from({ length: SMALL }, (_, i) => [`b/${"long".repeat(50)}/${i}`, `${i}`]),
]);

test("a tree is read to its end also when its files are taken slowly", async () => {
  await using repository = await openRepository();
  const { dir } = repository;
  const sha = await commitFiles(dir, FILES);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  let files = 0;
  for await (const { path } of treeFiles(dir, sha)) {
    // Whoever writes the first one takes five minutes for it.
    if (files === 0) vi.advanceTimersByTime(5 * 60_000);
    files += 1;
    expect(path).toMatch(/^[ab]\//);
  }
  expect(files).toBe(LARGE + SMALL);
});

test("a patch whose files are too much together is refused, though each of them would do", async () => {
  await using repository = await openRepository();
  const { dir } = repository;
  const MB = 1024 * 1024;
  const content = (name: string) => name.repeat(18 * MB);
  const base = await commitFiles(dir, {});
  const sha = await commitFiles(dir, { a: content("a"), b: content("b"), c: content("c") });
  const all = await changedFiles(dir, base, sha);
  expect(await bytesOf(dir, all.slice(1))).toHaveLength(2);
  await expect(bytesOf(dir, all)).rejects.toMatchObject({ code: "patch_too_large", retry: false });
});
