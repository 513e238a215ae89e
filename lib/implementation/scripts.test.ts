import { expect, test } from "vitest";
import { commitFiles } from "../git/fixtures.ts";
import { openRepository } from "../git/workspace.ts";
import { jobsOf, jobsOfTree } from "./scripts.ts";

const of = (manifest: object, hasLock = true) =>
  jobsOf({ packageJson: JSON.stringify(manifest), hasLock }).map(({ command }) =>
    command.join(" "),
  );

test("checks come in the order in which they fail fastest, whatever their order in the file", () => {
  expect(of({ scripts: { build: "x", test: "y", start: "z", lint: "l" } })).toEqual([
    "npm run lint",
    "npm run test",
    "npm run build",
  ]);
});

test("dependencies are installed first, without their scripts", () => {
  const manifest = { scripts: { test: "x" }, devDependencies: { vitest: "1" } };
  expect(of(manifest)).toEqual(["npm ci --ignore-scripts", "npm run test"]);
  expect(of(manifest, false)).toEqual(["npm install --ignore-scripts", "npm run test"]);
});

test("what is named takes the place of the scripts, after what it needs", () => {
  const packageJson = JSON.stringify({ scripts: { lint: "x" }, dependencies: { a: "1" } });
  const named = [{ check: "test" as const, command: ["npx", "vitest"] }];
  const commands = jobsOf({ packageJson, hasLock: true }, named).map(({ command }) => command[1]);
  expect(commands).toEqual(["ci", "vitest"]);
  expect(jobsOf({ packageJson, hasLock: true }, [])).toEqual([]);
  expect(jobsOf({ packageJson: null, hasLock: false }, named)).toEqual(named);
});

test.each([
  ["no package.json", null],
  ["one that is no JSON", "{"],
  ["one that is no object", "[]"],
  ["scripts that are none", '{"scripts":{"test":1}}'],
  ["nothing to run", '{"dependencies":{"a":"1"}}'],
  ["what npm init writes", '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}'],
])("%s offers nothing", (_, text) => {
  expect(jobsOf({ packageJson: text, hasLock: true })).toEqual([]);
});

test.each([
  ["of any size is a lock", "x".repeat(2 * 2 ** 20), "npm ci --ignore-scripts"],
  [
    "that is a link is none",
    { mode: "120000", data: "/etc/passwd" },
    "npm install --ignore-scripts",
  ],
])("a package-lock.json %s", async (_, lock, command) => {
  await using repository = await openRepository();
  const manifest = { scripts: { test: "x" }, dependencies: { a: "1" } };
  const files = { "package.json": JSON.stringify(manifest), "package-lock.json": lock };
  const commit = await commitFiles(repository.dir, files);
  const [first] = await jobsOfTree(repository.dir, commit);
  expect(first?.command.join(" ")).toBe(command);
});
