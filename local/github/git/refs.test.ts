import fc from "fast-check";
import { expect, test } from "vitest";
import { commitFiles } from "../../../lib/git/fixtures.ts";
import { git } from "../../../lib/git/git.ts";
import { openRepository } from "../../../lib/git/workspace.ts";
import { moveRef, NO_COMMIT, refsOf } from "./refs.ts";

const NAMES = ["a", "a/b", "b/c", "b/d", "b-e", "é", "Z"].flatMap((name) => [
  `refs/heads/${name}`,
  `refs/tags/${name}`,
]);

/** Moves a name to one of two commits, removes it, or packs all that there are. */
const steps = fc.array(
  fc.oneof(
    fc.record({ ref: fc.constantFrom(...NAMES), to: fc.constantFrom(0, 1, null) }),
    fc.constant("pack" as const),
  ),
  { maxLength: 12 },
);

test("references are read as git reads them, whether they are packed or not", async () => {
  await using repository = await openRepository();
  const { dir } = repository;
  expect(refsOf(dir)).toEqual(new Map());
  const commits = [
    await commitFiles(dir, { a: "1" }, "one"),
    await commitFiles(dir, { a: "2" }, "two"),
  ];
  // GitHub's own are nobody's to see.
  await moveRef(dir, "refs/pull/1/head", { sha: commits[0] ?? "" });
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      for (const step of taken) {
        if (step === "pack") await git(["pack-refs", "--all"], { dir });
        else {
          const sha = step.to === null ? NO_COMMIT : commits[step.to];
          // False where another reference is in the way, as a is in a/b's.
          await moveRef(dir, step.ref, { sha: sha ?? NO_COMMIT });
        }
      }
      expect([...refsOf(dir)]).toEqual(await listedByGit(dir));
    }),
    { numRuns: 8 },
  );
});

async function listedByGit(dir: string): Promise<[string, string][]> {
  const format = "--format=%(objectname) %(refname)";
  const out = await git(["for-each-ref", format, "refs/heads", "refs/tags"], { dir });
  const lines = out.toString("utf8").split("\n").filter(Boolean);
  return lines.map((line) => [line.slice(41), line.slice(0, 40)]);
}
