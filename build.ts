import { copyFile, readdir, rm, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/**
 * Bundles what is deployed into dist/api: the two HTTP entry points and the extraction worker. Unbundled, the libraries
 * alone take longer to import than a cold start may; heavy ones become chunks that the step which needs them loads.
 */
const root = fileURLToPath(new URL(".", import.meta.url));
const out = `${root}dist`;

await rm(out, { recursive: true, force: true });
await build({
  entryPoints: {
    "api/index": `${root}api/index.ts`,
    "api/inngest": `${root}api/inngest.ts`,
    "api/extract-worker": `${root}lib/ingest/extract/worker.ts`,
  },
  outdir: out,
  // Chunks lie beside the entries, so that `import.meta.url` means the same directory in all of them.
  chunkNames: "api/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minify: true,
  keepNames: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  // Bundled CommonJS still calls require() for Node's own modules.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});
await copyFile(
  fileURLToPath(import.meta.resolve("@embedpdf/pdfium/pdfium.wasm")),
  `${out}/api/pdfium.wasm`,
);

for (const file of (await readdir(`${out}/api`)).filter((name) => !name.endsWith(".map"))) {
  const { size } = await stat(`${out}/api/${file}`);
  if (!file.includes("-") || size > 500_000)
    console.log(`dist/api/${file}  ${Math.ceil(size / 1024)} KB`);
}
