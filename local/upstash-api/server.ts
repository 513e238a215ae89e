import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { listen } from "../faulty-api.ts";
import type { LocalPart, PartOptions } from "../part.ts";
import { keptSecret } from "../secret.ts";
import { Account } from "./account.ts";
import { routes } from "./routes.ts";
import { AccountStore } from "./store.ts";
import { VectorServer } from "./vector-server.ts";

export interface UpstashApiOptions extends PartOptions {
  /** The local vector server, which holds the indexes, and its own token. */
  readonly vectorUrl: string;
  readonly vectorToken: string;
}

const EMAIL = "local@countersign.example";

/**
 * Starts the local Upstash Developer API: the part of it that README.md lists. Each vector index is one of the local vector
 * server's, each Redis database a small one in this process, on disk. What the last end left half-made is whole, or gone, when
 * it answers; for that the vector server has to be up.
 */
export async function startUpstashApi(options: UpstashApiOptions): Promise<LocalPart> {
  const { dir, port = 0, vectorUrl, vectorToken } = options;
  await mkdir(dir, { recursive: true });
  const apiKey = await keptSecret(join(dir, "key"), randomUUID);
  const store = new AccountStore(dir);
  try {
    const account = new Account(store, new VectorServer(vectorUrl, vectorToken));
    await account.recover();
    const server = await listen(routes(account, { email: EMAIL, apiKey }), port);
    let closing: Promise<void> | undefined;
    return {
      name: "upstash-api",
      url: server.url,
      env: {
        UPSTASH_API_URL: `${server.url}/v2`,
        UPSTASH_EMAIL: EMAIL,
        UPSTASH_API_KEY: apiKey,
      },
      close() {
        closing ??= server.close().then(() => store.close());
        return closing;
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}
