import { copyFile, cp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { lazyNeonDriver, smallTemporal } from "./build-plugins.ts";

/**
 * Bundles what is deployed into dist/api: the two HTTP entry points, and the extraction worker with its thread. Unbundled,
 * the libraries alone take longer to import than a cold start may; heavy ones become chunks that the step which needs them
 * loads.
 */
const root = fileURLToPath(new URL(".", import.meta.url));
const out = `${root}dist`;

/** Each function is a bundle of its own: shared chunks would make one pay for what only the other uses. */
const functions: readonly Record<string, string>[] = [
  { "api/index": `${root}api/index.ts` },
  { "api/inngest": `${root}api/inngest.ts` },
  { "api/neon": "@neondatabase/serverless" },
  {
    "api/extract-worker": `${root}lib/ingest/extract/worker.ts`,
    "api/extract-pdf-thread": `${root}lib/ingest/extract/pdf-thread.ts`,
  },
];

await rm(out, { recursive: true, force: true });
for (const entryPoints of functions) {
  await build({
    entryPoints,
    outdir: out,
    // Chunks lie beside the entries, so that `import.meta.url` means the same directory in all of them.
    chunkNames: "api/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    minify: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    plugins: [smallTemporal, lazyNeonDriver],
    // Bundled CommonJS still calls require() for Node's own modules.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}
/** What the code reads by itself, from beside the bundles. */
const data = ["@embedpdf/pdfium/pdfium.wasm", "gpt-tokenizer/data/o200k_base.tiktoken"];
for (const file of data) {
  await copyFile(fileURLToPath(import.meta.resolve(file)), `${out}/api/${basename(file)}`);
}

await writeOutput();

for (const file of (await readdir(`${out}/api`)).filter((name) => !name.endsWith(".map"))) {
  const { size } = await stat(`${out}/api/${file}`);
  if (!file.includes("-") || size > 500_000) {
    console.log(`dist/api/${file}  ${Math.ceil(size / 1024)} KB`);
  }
}

/** The same as Vercel's Build Output API (version 3), for `vercel deploy --prebuilt`: one directory per function. */
async function writeOutput(): Promise<void> {
  const output = `${root}.vercel/output`;
  await rm(output, { recursive: true, force: true });
  for (const name of ["index", "inngest"]) {
    const dir = `${output}/functions/api/${name}.func`;
    await cp(`${out}/api`, dir, { recursive: true, filter: (path) => !path.endsWith(".map") });
    await writeJson(`${dir}/package.json`, { type: "module" });
    await writeJson(`${dir}/.vc-config.json`, {
      runtime: "nodejs24.x",
      handler: `${name}.js`,
      launcherType: "Nodejs",
      shouldAddHelpers: false,
      supportsResponseStreaming: true,
      maxDuration: 60,
    });
  }
  const routes = [
    { src: "^/api/inngest$", dest: "/api/inngest" },
    { src: "^/api(/.*)?$", dest: "/api/index" },
  ];
  await writeJson(`${output}/config.json`, { version: 3, routes });
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, null, 2)}\n`);
}
