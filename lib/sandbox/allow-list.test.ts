import fc from "fast-check";
import { expect, it } from "vitest";
import { checkCommand, checkDirectory } from "./allow-list.ts";

const ALLOWED = [
  "npm test",
  "npm run test",
  "npm run lint -- --max-warnings=0 src",
  "npm run build:all --silent",
  "npm ci --ignore-scripts",
  "npm install --ignore-scripts --no-audit",
  "pnpm install --frozen-lockfile --ignore-scripts",
  "npx --no-install tsc --noEmit -p tsconfig.json",
  "npm exec -- vitest run src/a.test.ts",
  "node --test",
  "node --test --test-reporter=tap test/a.test.mjs",
  "node scripts/check.mjs --eval -r",
];

it.each(ALLOWED)("allows %s", (line) => {
  checkCommand(line.split(" ") as [string, ...string[]], { CI: "1", NO_COLOR: "1" });
});

it.each([
  ["program", "bash -c true"],
  ["program", "sh run.sh"],
  ["program", "/usr/bin/node a.mjs"],
  ["program", "./node a.mjs"],
  ["program", "git status"],
  ["program", "curl x"],
  ["program", ""],
  ["node_script", "node"],
  ["node_option", "node -e 1"],
  ["node_option", "node -pe 1"],
  ["node_option", "node --eval=1"],
  ["node_option", "node --require=./x.js a.js"],
  ["node_option", "node -r ./x.js a.js"],
  ["node_option", "node --import ./x.js a.js"],
  ["node_option", "node --test --test-reporter=./own.mjs"],
  ["node_option", "node --inspect a.js"],
  ["node_option", "node - a.js"],
  ["path", "node ../a.js"],
  ["path", "node /etc/a.js"],
  ["path", "node file:///etc/a.js"],
  ["path", "npx eslint --config=/etc/x"],
  ["path", "npx tsc -p ../other"],
  ["path", "npx tsc -p/etc"],
  ["path", "npx prettier .git/config"],
  ["tool", "npx left-pad"],
  ["tool", "npx --yes tsc"],
  ["tool", "npx tsc@5"],
  ["tool", "npm exec --package=evil tsc"],
  ["verb", "npm publish"],
  ["verb", "npm"],
  ["verb", "npm config set script-shell x"],
  ["script_name", "npm run --script-shell=x test"],
  ["script_option", "npm test --script-shell=x"],
  ["install_scripts", "npm ci"],
  ["install_option", "npm ci --ignore-scripts --prefix=x"],
  ["install_option", "npm install --ignore-scripts left-pad"],
])("refuses by the rule %s: %s", (rule, line) => {
  expect(() => checkCommand(line.split(" "))).toThrow(
    expect.objectContaining({ code: "command_not_allowed", context: { rule } }),
  );
});

it.each([
  "PATH",
  "NODE_OPTIONS",
  "LD_PRELOAD",
  "npm_config_script_shell",
  "HOME",
  "GIT_DIR",
  "a=b",
  "",
])("sets no variable %j", (name) => {
  expect(() => checkCommand(["npm", "test"], { [name]: "x" })).toThrow("variable");
});

it("allows no program but its own, whatever its name, and no NUL", () => {
  const known = ["node", "npm", "pnpm", "yarn", "npx"];
  const program = fc.string().filter((name) => !known.includes(name));
  fc.assert(
    fc.property(program, fc.array(fc.string()), (name, args) => {
      expect(() => checkCommand([name, ...args])).toThrow();
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...ALLOWED), fc.string(), (line, text) => {
      expect(() => checkCommand([...line.split(" "), "--", `${text}\0`])).toThrow();
    }),
  );
});

it("allows no half of a character, in an argument and in a variable", () => {
  for (const half of ["\ud800", "a\udc00b"]) {
    expect(() => checkCommand(["npm", "test", "--", half])).toThrow("Unicode");
    expect(() => checkCommand(["npm", "test"], { NOTE: half })).toThrow("Unicode");
  }
  checkCommand(["npm", "test", "--", "\u{1f600}"], { NOTE: "\u{1f600}" });
});

it("lets no argument out of the work tree", () => {
  const out = fc.constantFrom(
    "..",
    "/etc/passwd",
    "a/../../b",
    "--x=/etc",
    "~/x",
    ".GIT/config",
    "file:/x",
  );
  const args = fc.array(fc.constantFrom("a", "--fix", "src/b.ts"));
  fc.assert(
    fc.property(args, out, args, (before, bad, behind) => {
      const all = [...before, bad, ...behind];
      expect(() => checkCommand(["npx", "eslint", ...all])).toThrow("path");
      expect(() => checkCommand(["npm", "test", "--", ...all])).toThrow("path");
    }),
  );
});

it("runs in a directory of the work tree alone", () => {
  checkDirectory("packages/a");
  for (const cwd of ["..", "/tmp", "a/../..", "", ".git/hooks", "a\0"])
    expect(() => checkDirectory(cwd)).toThrow("directory");
});
