import { copyFile, cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { lateSdks, lazyNeonDriver, requireBanner, smallTemporal } from "./build-plugins.ts";
import { GRAMMAR_NAMES } from "./lib/repos/chunk/grammars.ts";

const { resolve } = createRequire(import.meta.url);

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The extraction worker and the threads, under the names by which the code that starts them knows them in a bundle. */
const WORKERS = {
  "extract-worker": source("lib/ingest/extract/worker.ts"),
  "extract-pdf-thread": source("lib/ingest/extract/pdf-thread.ts"),
  "chunk-thread": source("lib/repos/chunk/thread.ts"),
};

/** Libraries that are loaded when they are first needed: see build-plugins.ts. */
const LATE: readonly Record<string, string>[] = [
  { neon: "@neondatabase/serverless" },
  { "ai-sdk": source("lib/model/ai-sdk.ts") },
  { "vercel-sdk": source("lib/sandbox/vercel-sdk.ts") },
  { "vercel-api-sdk": source("lib/vercel/vercel-api-sdk.ts") },
  { "neon-api-sdk": source("lib/neon/neon-api-sdk.ts") },
];

/** What the code reads by itself, from beside the bundles. */
const DATA = [
  "@embedpdf/pdfium/pdfium.wasm",
  "gpt-tokenizer/data/o200k_base.tiktoken",
  ...["tree-sitter", ...GRAMMAR_NAMES.map((name) => `tree-sitter-${name}`)].map(
    (name) => `@vscode/tree-sitter-wasm/wasm/${name}.wasm`,
  ),
];

/** The skills that come with us: read from beside the bundle, as they are from beside their source. */
const SKILLS = "lib/model/skills";

/**
 * Bundles entry points (name to source file) into one directory, together with all that they start or read. Each is a
 * bundle of its own: shared chunks would make one pay for what only the other uses.
 */
export async function bundle(
  entryPoints: Readonly<Record<string, string>>,
  outdir: string,
): Promise<void> {
  const bundles = Object.entries(entryPoints).map(([name, file]) => ({ [name]: file }));
  for (const entries of [...bundles, ...LATE, WORKERS]) {
    await build({
      entryPoints: entries,
      outdir,
      // Chunks lie beside the entries, so that `import.meta.url` means the same directory in all of them.
      chunkNames: "[name]-[hash]",
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node24",
      minify: true,
      sourcemap: "linked",
      sourcesContent: false,
      legalComments: "none",
      plugins: [smallTemporal, lazyNeonDriver, lateSdks],
      banner: requireBanner,
    });
  }
  await cp(source(SKILLS), `${outdir}/skills`, { recursive: true });
  for (const file of DATA) {
    await copyFile(resolve(file), `${outdir}/${basename(file)}`);
  }
  // CommonJS that has to stay a file of its own: see lib/repos/chunk/tree-sitter.ts.
  await copyFile(resolve("@vscode/tree-sitter-wasm"), `${outdir}/tree-sitter.cjs`);
}
