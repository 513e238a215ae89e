import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../../bundle.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Bundles the app into `dir`/api, as it is deployed: an app that is killed hundreds of times has to start in a moment. */
export async function bundleApp(dir: string): Promise<void> {
  const entryPoints = { index: `${root}api/index.ts`, inngest: `${root}api/inngest.ts` };
  await bundle(entryPoints, join(dir, "api"));
}
