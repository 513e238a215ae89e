import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BenchResult, lessIsBetter, median } from "./result.ts";
import { measureSubject } from "./subject.ts";

/** What a cold start of the deployed function pays before its first request. */
export async function run(): Promise<BenchResult[]> {
  const bundle = join(import.meta.dirname, "../dist/api/inngest.js");
  if (!existsSync(bundle)) {
    throw new Error("dist/api/inngest.js is not there. Make it with: npm run build");
  }
  const measure = () =>
    measureSubject<{ ms: number; cpuMs: number; residentMb: number }>("cold-import", [bundle]);
  // The first one brings the file into the page cache, as a platform's image does.
  await measure();
  const starts = [];
  for (let round = 0; round < 7; round++) starts.push(await measure());
  return [
    lessIsBetter({
      what: "import of the bundle api/inngest",
      value: median(starts.map((start) => start.ms)),
      unit: "ms",
      bar: 120,
    }),
    // All threads together; far below the time on the clock means that the machine was busy with something else.
    lessIsBetter({
      what: "processor time of the import",
      value: median(starts.map((start) => start.cpuMs)),
      unit: "ms",
    }),
    lessIsBetter({
      what: "memory after the import",
      value: median(starts.map((start) => start.residentMb)),
      unit: "MB",
      bar: 110,
    }),
  ];
}
