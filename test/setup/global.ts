import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { migrate } from "#db/migrate.ts";
import { startNeon } from "#local/neon/server.ts";
import { startPartProcess } from "#local/process.ts";
import { bundleApp } from "../crash/bundle.ts";
import { quickPlace, runDirectory } from "./directories.ts";
import { databaseUrl, execute, type TestServer } from "./sql.ts";

declare module "vitest" {
  interface ProvidedContext {
    neon: TestServer;
    /** What points at the run's Upstash Vector: the URL, and the token that may make indexes; see vectors.ts. */
    vectorServer: Readonly<Record<string, string>>;
    /** Directory of the app as it is deployed: a cloud of a test starts it five times faster than the sources. */
    bundle: string;
  }
}

const TEMPLATE = "migrated";
const RUN_BYTES = 3 * 1024 ** 3;
const VECTORS = fileURLToPath(new URL("../../local/upstash-vector/main.ts", import.meta.url));

/** One local Neon, one local Upstash Vector, whose model is loaded once, and one bundle of the app, for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await runDirectory(await quickPlace(RUN_BYTES));
  // What tests write goes with the rest, also when they do not get to the end.
  process.env.TMPDIR = join(dir, "tmp");
  await mkdir(process.env.TMPDIR);
  // Most processes of a run load what another has loaded, and compiled, before them.
  process.env.NODE_COMPILE_CACHE = join(dir, "compiled");
  const bundle = join(dir, "bundle");
  const [neon, vectors] = await Promise.all([
    startNeon({ dir: join(dir, "neon"), durable: false }),
    startPartProcess(VECTORS, { dir: join(dir, "vectors") }),
    bundleApp(bundle),
  ]);
  const stop = async () => {
    await Promise.all([neon.close(), vectors.close()]);
    // The last test's process may still be writing what it has compiled.
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    const wsProxy = neon.env.NEON_WS_PROXY ?? "";
    const server = { url: neon.url, wsProxy, template: TEMPLATE };
    await execute(server, `create database ${TEMPLATE}`);
    await migrate({ url: databaseUrl(neon.url, TEMPLATE), wsProxy });
    project.provide("neon", server);
    project.provide("vectorServer", vectors.env);
    project.provide("bundle", bundle);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
