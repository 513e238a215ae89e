import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { listen } from "../faulty-api.ts";
import type { LocalPart, PartOptions } from "../part.ts";
import { keptSecret } from "../secret.ts";
import { Cluster } from "./cluster.ts";
import { newApiKey, newTag } from "./names.ts";
import { Projects } from "./projects.ts";
import { routes } from "./routes.ts";
import { ProjectStore } from "./store.ts";

export interface NeonApiOptions extends PartOptions {
  /** Connection string of an administrator of the local Neon, and the relay in front of it (NEON_WS_PROXY). */
  readonly databaseUrl: string;
  readonly wsProxy: string;
}

/**
 * Starts the local Neon API: the part of it that README.md lists. Each project is a database of its own with a role of its own
 * in the local Neon. What the last end left half-made is whole, or gone, when it answers.
 */
export async function startNeonApi(options: NeonApiOptions): Promise<LocalPart> {
  const { dir, port = 0, databaseUrl, wsProxy } = options;
  await mkdir(dir, { recursive: true });
  const apiKey = await keptSecret(join(dir, "key"), newApiKey);
  const tag = await keptSecret(join(dir, "tag"), newTag);
  const store = new ProjectStore(dir);
  const cluster = new Cluster({ url: databaseUrl, wsProxy, tag });
  const end = async () => {
    store.close();
    await cluster.close();
  };
  try {
    const projects = new Projects(store, cluster, tag);
    await projects.recover();
    const server = await listen(routes(projects, apiKey), port);
    let closing: Promise<void> | undefined;
    return {
      name: "neon-api",
      url: server.url,
      env: { NEON_API_URL: `${server.url}/api/v2`, NEON_API_KEY: apiKey },
      close() {
        closing ??= server.close().then(end);
        return closing;
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
