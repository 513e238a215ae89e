import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rename, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { requireBanner } from "../../build-plugins.ts";

/** Libraries of hundreds of small files, by the names under which our code imports them. Only those that are ES modules. */
const NAMES = [
  "@hono/node-server",
  "@hono/zod-openapi",
  "drizzle-orm",
  "drizzle-orm/neon-serverless",
  "drizzle-orm/neon-serverless/migrator",
  "drizzle-orm/pg-core",
  "hono",
  "hono/bearer-auth",
  "hono/body-limit",
  "hono/factory",
  "hono/http-exception",
  "hono/request-id",
  "hono/secure-headers",
  "inngest",
  "inngest/edge",
  "inngest/node",
  "jose",
  "zod",
];

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Where an import by a name is taken from: what Vite calls an alias. */
interface Alias {
  readonly find: RegExp;
  readonly replacement: string;
}

/**
 * Has tests load a few large files in place of four hundred small ones, which saves each test file half a second of
 * processor time: Node reads a library's package.json, of drizzle-orm 130 KB, anew for each of its files. What is imported
 * under two names is still there once, since the names share chunks. Bundled in 0.3 s, once for a lock file.
 */
export async function librariesInOneFile(): Promise<Alias[]> {
  const hash = createHash("sha256");
  for (const file of [`${ROOT}package-lock.json`, fileURLToPath(import.meta.url)]) {
    hash.update(await readFile(file));
  }
  const version = hash.digest("hex").slice(0, 16);
  // Below node_modules, so that they are taken for what they are, and find what is not bundled.
  const dir = `${ROOT}node_modules/.cache/test-libraries-${version}`;
  if (!existsSync(dir)) await bundleLibraries(dir);
  return NAMES.map((name) => ({
    find: new RegExp(`^${name}$`),
    replacement: `${dir}/${fileOf(name)}.mjs`,
  }));
}

async function bundleLibraries(dir: string): Promise<void> {
  // Another run of the tests may be doing the same.
  const own = `${dir}.${process.pid}`;
  await build({
    entryPoints: Object.fromEntries(NAMES.map((name) => [fileOf(name), name])),
    absWorkingDir: ROOT,
    outdir: own,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    banner: requireBanner,
    // Our code sets its options, and has to meet the same one.
    external: ["@neondatabase/serverless"],
    logLevel: "warning",
  });
  try {
    await rename(own, dir);
  } catch (error) {
    await rm(own, { recursive: true });
    if (!existsSync(dir)) throw error;
  }
}

function fileOf(name: string): string {
  return name.replaceAll("/", "__");
}
