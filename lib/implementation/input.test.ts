import { expect, test } from "vitest";
import { checkInput } from "../runs/input.ts";

const files = (...paths: string[]) => ({
  from: "files",
  files: paths.map((path) => ({ path, content: "x\n" })),
});
const input = {
  target: "repository",
  repository: "acme/buoy",
  title: "Explain the battery",
  changes: files("docs/battery.md"),
};
const check = (more: object) => () => checkInput("implementation", { ...input, ...more });

test.each([
  {},
  { base: "release/1.x", merge: "squash" },
  { repository: "ada_acme/buoy.js" },
  { changes: { from: "diff", diff: "--- a/x\n" } },
  { changes: { from: "model" }, budget: { tokens: 1_000 } },
  { verify: [] },
  {
    deploy: {
      project: "shop",
      resources: [
        { name: "cache", type: "upstash.redis", env: { urlName: "A_URL", tokenName: "A_TOKEN" } },
      ],
    },
  },
  { verify: [{ check: "test", command: ["npm", "test"] }] },
  { artifacts: [{ kind: "PRD" }, { kind: "ADR_1", version: 2 }] },
])("%j is an input", (more) => {
  expect(check(more)).not.toThrow();
});

// Made here: as a literal it would be found by whoever looks for secrets in this repository.
const secret = `ghp_${"a1B2c3D4e5".repeat(4).slice(0, 36)}`;

test.each([
  [{ repository: "acme" }, /repository: owner\/name/],
  [{ repository: "acme/.." }, /repository: owner\/name/],
  [{ repository: "acme/buoy/x" }, /repository: owner\/name/],
  [{ repository: "--upload-pack=x/y" }, /repository/],
  [{ title: "two\nlines" }, /title: one line/],
  [{ base: "--force" }, /base: must be the name of a branch/],
  [{ base: "a..b" }, /base/],
  [{ changes: files() }, /changes\.files/],
  [{ changes: files("../x") }, /path inside the repository/],
  [{ changes: files("/etc/passwd") }, /path inside the repository/],
  [{ changes: files(".git/hooks/pre-commit") }, /path inside the repository/],
  [{ changes: files("a/.GIT/config") }, /path inside the repository/],
  [{ changes: files("a", "a") }, /paths must differ/],
  [{ changes: { from: "diff", diff: `+const token = "${secret}";\n` } }, /secret/],
  [{ verify: [{ check: "deploy", command: ["x"] }] }, /verify/],
  [{ verify: [{ check: "test", command: ["a\0"] }] }, /verify\.0\.command\.0: .*without NUL/],
  [{ tasks: [{ title: "half \ud800" }] }, /tasks\.0\.title: must be Unicode/],
  [{ merge: "rebase" }, /merge/],
  [{ changes: { from: "model", files: [] } }, /changes/],
  [{ changes: { from: "model" }, budget: { calls: 0 } }, /budget\.calls/],
  [{ surprise: 1 }, /surprise/],
  // Fits as it came, and would not be read again as it is kept.
  [{ title: `${"a".repeat(180)} password=hunter2` }, /taken out\. title/],
])("%j is refused and says what is wrong", (more, message) => {
  expect(check(more)).toThrow(message);
});
