import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Bundles the two entry points of the app into `dir`/api, because an app that is killed hundreds of times has to start in
 * a moment. Without what only ingestion needs.
 */
export async function bundleApp(dir: string): Promise<void> {
  await build({
    entryPoints: { "api/index": `${root}api/index.ts`, "api/inngest": `${root}api/inngest.ts` },
    outdir: dir,
    chunkNames: "api/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    sourcemap: "linked",
    sourcesContent: false,
    // Bundled CommonJS still calls require() for Node's own modules.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}
