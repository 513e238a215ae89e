import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stop } from "esbuild";
import { bundle } from "../../bundle.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Bundles the app into `dir`/api, as it is deployed: an app that is killed hundreds of times has to start in a moment. */
export async function bundleApp(dir: string): Promise<void> {
  const entryPoints = { index: `${root}api/index.ts`, inngest: `${root}api/inngest.ts` };
  await bundle(entryPoints, join(dir, "api"));
  // The bundler's own process would stay for as long as the tests, with what it has read.
  await stop();
}
