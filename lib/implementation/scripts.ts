import * as z from "zod";
import { readTopFile } from "../git/file.ts";
import { CHECKS } from "./input.ts";

/** A check to run in the sandbox. */
export interface Job {
  readonly check: "install" | (typeof CHECKS)[number];
  readonly command: readonly string[];
}

const manifest = z.object({
  scripts: z.record(z.string(), z.string()).default({}),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** What npm writes into a new package, which only says that there are no tests. */
const NO_TEST = /no test specified/;

/**
 * The checks that a repository's own npm scripts offer, in the order in which they fail fastest. Its dependencies are installed
 * first, without their scripts, when there are any.
 * @param packageJson its text; null when the repository has none. One that is no JSON object offers nothing.
 */
export function jobsOfScripts(packageJson: string | null, hasLock: boolean): Job[] {
  const parsed = manifest.safeParse(json(packageJson));
  if (!parsed.success) return [];
  const { scripts, dependencies, devDependencies } = parsed.data;
  const names = CHECKS.filter((name) => {
    const script = scripts[name];
    return script !== undefined && !(name === "test" && NO_TEST.test(script));
  });
  const checks = names.map((check) => ({ check, command: ["npm", "run", check] }));
  const needed = Object.keys({ ...dependencies, ...devDependencies }).length > 0;
  return needed && checks.length > 0 ? [install(hasLock), ...checks] : checks;
}

/** The same of a tree in a bare repository. */
export async function jobsOfTree(dir: string, tree: string): Promise<Job[]> {
  const [packageJson, lock] = await Promise.all([
    readTopFile(dir, tree, "package.json"),
    readTopFile(dir, tree, "package-lock.json"),
  ]);
  return jobsOfScripts(packageJson?.toString("utf8") ?? null, lock !== null);
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
