import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const exec = promisify(execFile);

/** What a subject reports: its own figures, and the peak memory of its process in MB. */
export type Measured<T> = T & { readonly peakMb: number };

/**
 * Runs `bench/subjects/<name>.ts` in a process of its own, so that subjects share neither heap nor compiled code, and
 * returns what it reported. Throws with its stderr when it fails.
 */
export async function measureSubject<T>(
  name: string,
  args: readonly string[] = [],
): Promise<Measured<T>> {
  const file = join(import.meta.dirname, "subjects", `${name}.ts`);
  const { stdout } = await exec(process.execPath, [file, ...args], {
    maxBuffer: 16 * 1024 * 1024,
    timeout: 30 * 60_000,
  });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

/** The last thing that a subject does. */
export function reportFigures(figures: Readonly<Record<string, number>>): void {
  // maxRSS is in kilobytes.
  const peakMb = process.resourceUsage().maxRSS / 1000;
  console.log(JSON.stringify({ peakMb, ...figures }));
}

/** Milliseconds that one call takes on the clock. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds of processor time of one call, all threads together: what one core needs, on a busy machine too. */
export async function cpuTimed(work: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}
