import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundle } from "../bundle.ts";

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
  return await measureFile(join(import.meta.dirname, "subjects", `${name}.ts`), args, env);
}

/**
 * The same of the subject as a bundle with its workers, as the code is deployed: what Node needs to run TypeScript takes
 * memory and time in every process. Bundled anew each time this is called; the function it returns measures.
 */
export async function bundledSubject<T>(
  name: string,
): Promise<
  (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Measured<T>>
> {
  const outdir = join(import.meta.dirname, "../.local/bench-bundles", name);
  await bundle({ [name]: join(import.meta.dirname, "subjects", `${name}.ts`) }, outdir);
  return (args, env) => measureFile(join(outdir, `${name}.js`), args, env);
}

async function measureFile<T>(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured<T>> {
  const { stdout } = await exec(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 16 * 1024 * 1024,
    timeout: 30 * 60_000,
  });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}
