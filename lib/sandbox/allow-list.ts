import { InvalidInput } from "../errors.ts";
import { isWorkPath } from "./names.ts";

/** Tools of a repository's own that npx, pnpm and yarn may start. */
const TOOLS = new Set(
  "tsc vitest eslint biome jest prettier next vite drizzle-kit mocha ava tap c8 nyc rollup esbuild webpack turbo stylelint oxlint knip".split(
    " ",
  ),
);
const SCRIPT_OPTIONS = new Set(["--silent", "-s", "--if-present", "--workspaces", "-ws"]);
const INSTALL_OPTIONS = new Set(
  "--ignore-scripts --no-audit --no-fund --omit=dev --omit=optional --offline --prefer-offline --frozen-lockfile --immutable".split(
    " ",
  ),
);
/** All others can load code, read files or open a port. */
const NODE_OPTIONS =
  /^(?:--test|--test-only|--test-concurrency=\d{1,3}|--test-reporter=(?:spec|tap|dot|junit)|--experimental-strip-types|--enable-source-maps|--no-warnings|--max-old-space-size=\d{1,5})$/;
const SCRIPT_NAME = /^[A-Za-z0-9][A-Za-z0-9:._-]{0,99}$/;
const WORKSPACE = /^--workspace=[A-Za-z0-9@][A-Za-z0-9@/._-]{0,199}$/;
const VARIABLE = /^[A-Z][A-Z0-9_]{0,99}$/;
/** They change which program runs or what it loads. */
const VARIABLE_REFUSED =
  /^(?:PATH|HOME|SHELL|ENV|BASH_ENV|IFS|PWD|(?:LD|DYLD|NODE|NPM|GIT|PYTHON|PERL|RUBY)_.*)$/;
/** Of these two nothing is loaded: what kind of run it is, and whether to use colours. */
const VARIABLE_ALLOWED = new Set(["NODE_ENV", "NODE_DISABLE_COLORS"]);
const MAX_ARGUMENTS = 200;
const MAX_ARGUMENT_CHARS = 4096;

/**
 * Returns when a command may run in a sandbox: everything that is not allowed here is refused. Programs go by name alone; their
 * options by list; no argument names a file outside the work tree. Throws InvalidInput `command_not_allowed` with the rule.
 */
export function checkCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): void {
  const [program = "", ...args] = argv;
  if (argv.length > MAX_ARGUMENTS) refuse("arguments", `at most ${MAX_ARGUMENTS} arguments`);
  for (const argument of argv) checkText(argument);
  const check = PROGRAMS.get(program);
  if (!check) refuse("program", `the programs are ${[...PROGRAMS.keys()].join(", ")}, by name`);
  check(args);
  for (const [name, value] of Object.entries(env)) checkVariable(name, value);
}

const PROGRAMS = new Map<string, (args: readonly string[]) => void>([
  ["node", checkNode],
  ["npm", checkManager],
  ["pnpm", checkManager],
  ["yarn", checkManager],
  [
    "npx",
    (args) => checkTool(args[0] === "--no" || args[0] === "--no-install" ? args.slice(1) : args),
  ],
]);

function checkNode(args: readonly string[]): void {
  const first = args.findIndex((argument) => !argument.startsWith("-"));
  const options = first === -1 ? args : args.slice(0, first);
  for (const option of options) {
    if (!NODE_OPTIONS.test(option)) refuse("node_option", `node may not get ${shown(option)}`);
  }
  if (first === -1 && !options.includes("--test"))
    refuse("node_script", "node needs a file of the work tree, or --test");
  checkFiles(first === -1 ? [] : args.slice(first));
}

function checkManager([verb = "", ...rest]: readonly string[]): void {
  const check = VERBS.get(verb);
  if (!check) refuse("verb", `a package manager may ${[...VERBS.keys()].join(", ")}`);
  check(rest);
}

const VERBS = new Map<string, (args: readonly string[]) => void>([
  ["test", checkScript],
  ["run", checkRun],
  ["exec", (args) => checkTool(args[0] === "--" ? args.slice(1) : args)],
  ["ci", checkInstall],
  ["install", checkInstall],
]);

function checkRun(args: readonly string[]): void {
  // npm takes its options before the name as well as behind it.
  const at = args.findIndex((argument) => !SCRIPT_OPTIONS.has(argument));
  const name = args[at] ?? "";
  if (!SCRIPT_NAME.test(name)) refuse("script_name", `${shown(name)} is no name of a script`);
  checkScript(args.slice(at + 1));
}

function checkInstall(args: readonly string[]): void {
  if (!args.includes("--ignore-scripts"))
    refuse("install_scripts", "packages are installed with --ignore-scripts alone");
  for (const option of args) {
    if (!INSTALL_OPTIONS.has(option)) refuse("install_option", `${shown(option)} is not allowed`);
  }
}

function checkScript(args: readonly string[]): void {
  const end = args.indexOf("--");
  for (const option of end === -1 ? args : args.slice(0, end)) {
    if (!SCRIPT_OPTIONS.has(option) && !WORKSPACE.test(option))
      refuse("script_option", `${shown(option)} has to stand behind --`);
  }
  checkFiles(end === -1 ? [] : args.slice(end + 1));
}

function checkTool([tool = "", ...args]: readonly string[]): void {
  if (!TOOLS.has(tool)) refuse("tool", `the tools are ${[...TOOLS].join(", ")}, by name`);
  checkFiles(args);
}

/** An argument, or what stands behind its `=`, that looks like a path has to be one of the work tree. */
function checkFiles(args: readonly string[]): void {
  for (const argument of args) {
    for (const part of argument.split(/[=,]/)) {
      const leaves =
        part.startsWith("/") || part.startsWith("~") || /^[a-z][a-z0-9+.-]*:/i.test(part);
      const above = part.split(/[/\\]/).some((segment) => segment === "..");
      const git = part.split("/").some((segment) => segment.toLowerCase() === ".git");
      const script = part.startsWith("-") ? part.replace(/^-+[A-Za-z]?/, "") : "";
      if (leaves || above || git || script.startsWith("/"))
        refuse("path", `${shown(argument)} leads out of the work tree`);
    }
  }
}

function checkVariable(name: string, value: string): void {
  const allowed = VARIABLE_ALLOWED.has(name) || !VARIABLE_REFUSED.test(name);
  if (!VARIABLE.test(name) || !allowed) refuse("variable", `${shown(name)} may not be set`);
  checkText(value);
}

function checkText(text: string): void {
  if (text.includes("\0") || !text.isWellFormed() || text.length > MAX_ARGUMENT_CHARS)
    refuse(
      "text",
      `an argument is Unicode without NUL and has at most ${MAX_ARGUMENT_CHARS} characters`,
    );
}

/** Where a command runs. Throws InvalidInput for a directory that is not the work tree's. */
export function checkDirectory(cwd: string | undefined): void {
  if (cwd !== undefined && !isWorkPath(cwd))
    refuse("directory", `${shown(cwd)} is no directory of it`);
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function refuse(rule: string, what: string): never {
  const message = `The sandbox does not run this (${rule}): ${what}. See docs/sandbox.md.`;
  throw new InvalidInput("command_not_allowed", message, { rule });
}
