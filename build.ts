import { cp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";

/**
 * Bundles what is deployed into dist/api: the two HTTP entry points with the extraction worker. Unbundled, the libraries
 * alone take longer to import than a cold start may; heavy ones become chunks that the step which needs them loads.
 */
const root = fileURLToPath(new URL(".", import.meta.url));
const out = `${root}dist`;

await rm(out, { recursive: true, force: true });
await bundle({ index: `${root}api/index.ts`, inngest: `${root}api/inngest.ts` }, `${out}/api`);

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
      // A check of a repository may take four minutes (lib/implementation/verify.ts).
      maxDuration: 300,
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
