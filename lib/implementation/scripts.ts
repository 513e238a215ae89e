import * as z from "zod";
import { readTopFile, topEntries } from "../git/file.ts";
import { CHECKS } from "./input.ts";
import type { Patch } from "./work.ts";

export type Job = Patch["jobs"][number];

const manifest = z.object({
  scripts: z.record(z.string(), z.string()).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** What npm writes into a new package, which only says that there are no tests. */
const NO_TEST = /no test specified/;

/**
 * What has to succeed in the sandbox: what is named, otherwise the checks that a repository's own npm scripts offer, in the order in
 * which they fail fastest. Its dependencies are installed first, without their scripts, when there are any.
 * @param packageJson its text; null when the repository has none. One that is no JSON object offers nothing.
 */
export function jobsOf(
  { packageJson, hasLock }: { packageJson: string | null; hasLock: boolean },
  named?: readonly Job[],
): Job[] {
  const parsed = manifest.safeParse(json(packageJson));
  const { scripts = {}, dependencies, devDependencies } = parsed.data ?? {};
  const checks = named ?? CHECKS.filter((name) => offers(scripts, name)).map(asScript);
  const needed = Object.keys({ ...dependencies, ...devDependencies }).length > 0;
  return needed && checks.length > 0 ? [install(hasLock), ...checks] : [...checks];
}

/** The same of a tree in a bare repository. */
export async function jobsOfTree(
  dir: string,
  tree: string,
  named?: readonly Job[],
): Promise<Job[]> {
  const entries = await topEntries(dir, tree, ["package.json", "package-lock.json"]);
  const packageJson = await readTopFile(dir, entries.get("package.json"));
  const hasLock = entries.get("package-lock.json")?.plain ?? false;
  return jobsOf({ packageJson: packageJson?.toString("utf8") ?? null, hasLock }, named);
}

function offers(scripts: Readonly<Record<string, string>>, name: string): boolean {
  const script = scripts[name];
  return script !== undefined && !(name === "test" && NO_TEST.test(script));
}

function asScript(check: Job["check"]): Job {
  return { check, command: ["npm", "run", check] };
}

function install(hasLock: boolean): Job {
  return { check: "install", command: ["npm", hasLock ? "ci" : "install", "--ignore-scripts"] };
}

function json(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    // Not JSON: the repository's own tools would refuse it, too.
    return null;
  }
}
