import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundle } from "../bundle.ts";
import pkg from "../package.json" with { type: "json" };

const exec = promisify(execFile);

/** What a subject reports: its own figures, and the peak memory of its processes in MB. */
export type Measured<T> = T & { readonly peakMb: number };

/**
 * Runs `bench/subjects/<name>.ts` in a process of its own, so that subjects share neither heap nor compiled code, and
 * returns what it reported. `env` is added to our environment. Throws with its stderr when it fails.
 */
export async function measureSubject<T>(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured<T>> {
  return await measureFile([join(import.meta.dirname, "subjects", `${name}.ts`), ...args], env);
}

/** What Node is told when the server is started: see docs/deploy.md. */
const SERVED: readonly string[] = pkg.scripts.serve.match(/--\S+/g) ?? [];

/**
 * The same of the subject as a bundle with its workers, as the code is deployed and, unless it is a peer, started: what Node
 * needs to run TypeScript takes memory and time in every process. Bundled anew each time this is called; the function it
 * returns measures.
 */
export async function bundledSubject<T>(
  name: string,
  { peer = false } = {},
): Promise<
  (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Measured<T>>
> {
  const outdir = join(import.meta.dirname, "../.local/bench-bundles", name);
  await bundle({ [name]: join(import.meta.dirname, "subjects", `${name}.ts`) }, outdir);
  const file = join(outdir, `${name}.js`);
  return (args, env) => measureFile([...(peer ? [] : SERVED), file, ...args], env);
}

async function measureFile<T>(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured<T>> {
  const { stdout } = await exec(process.execPath, args, {
    env: { ...process.env, ...env },
    maxBuffer: 16 * 1024 * 1024,
    timeout: 30 * 60_000,
  });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}
