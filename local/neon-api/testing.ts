import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalPart } from "../part.ts";
import { type PartProcess, startPartProcess } from "../process.ts";
import { startNeonApi } from "./server.ts";

/** What is there, also what the API does not show. */
export interface Everything {
  readonly projects: readonly { id: string; name: string; state: string; database: string }[];
  readonly databases: readonly string[];
  readonly roles: readonly string[];
}

/** A local Neon API of its own for a test, on a local Neon that is there; ends with the test, and its projects with it. */
export async function testNeonApi(neon: { url: string; wsProxy: string }) {
  const dir = await mkdtemp(join(tmpdir(), "countersign-neon-api-"));
  const options = { dir, databaseUrl: neon.url, wsProxy: neon.wsProxy };
  let part: LocalPart = await startNeonApi(options);
  const control = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${part.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${part.env.NEON_API_KEY}` },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as T;
  };
  return {
    dir,
    control,
    get part() {
      return part;
    },
    fault: (fault: object) => control("PUT", "/_faults", fault),
    everything: () => control<Everything>("GET", "/_local/projects"),
    /** Ends it and starts it again on what it has kept. */
    async restart(): Promise<void> {
      await part.close();
      part = await startNeonApi(options);
    },
    /** The same as a process of its own, which can be killed. */
    async asProcess(): Promise<PartProcess> {
      await part.close();
      const env = { DATABASE_URL: neon.url, NEON_WS_PROXY: neon.wsProxy };
      const process = await startPartProcess(new URL("main.ts", import.meta.url).pathname, {
        dir,
        env,
      });
      part = process;
      return process;
    },
    async [Symbol.asyncDispose]() {
      await control("DELETE", "/_faults");
      for (const { id } of (await this.everything()).projects) {
        await control("DELETE", `/api/v2/projects/${id}`);
      }
      await part.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
