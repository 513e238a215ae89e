import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalPart } from "../part.ts";
import { type PartProcess, startPartProcess } from "../process.ts";
import { hashingEmbedder } from "../upstash-vector/embed/hashing-embedder.ts";
import { startUpstashVector } from "../upstash-vector/server.ts";
import { startUpstashApi } from "./server.ts";

/** What is there, also what the API does not show; `served` are the ids of the vector server's indexes. */
export interface Resources {
  readonly indexes: readonly { id: string; name: string; state: string }[];
  readonly databases: readonly { id: string; name: string }[];
  readonly served: readonly string[];
}

/** A local Upstash Developer API of its own for a test, with a vector server of its own; both end with the test. */
export async function testUpstashApi() {
  const work = await mkdtemp(join(tmpdir(), "countersign-upstash-api-"));
  const dir = join(work, "api");
  const startVector = (port = 0) =>
    startUpstashVector({ dir: join(work, "vector"), port, embedder: hashingEmbedder() });
  let vector = await startVector();
  const { UPSTASH_VECTOR_REST_TOKEN: vectorToken = "" } = vector.env;
  const options = { dir, vectorUrl: vector.url, vectorToken };
  let part: LocalPart = await startUpstashApi(options);
  const control = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const { UPSTASH_EMAIL: email, UPSTASH_API_KEY: key } = part.env;
    const response = await fetch(`${part.url}${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${email}:${key}`).toString("base64")}` },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (response.status === 204 ? undefined : await response.json()) as T;
  };
  return {
    dir,
    control,
    get vector() {
      return vector;
    },
    get part() {
      return part;
    },
    fault: (fault: object) => control("PUT", "/_faults", fault),
    everything: () => control<Resources>("GET", "/_local/resources"),
    /** Ends it and starts it again on what it has kept. */
    async restart(): Promise<void> {
      await part.close();
      part = await startUpstashApi(options);
    },
    /** The vector server is not there meanwhile; then it is again, where it was. */
    async withoutVectors(meanwhile: () => Promise<void>): Promise<void> {
      await vector.close();
      await meanwhile();
      vector = await startVector(Number(new URL(vector.url).port));
    },
    /** The vector server is there and makes no index meanwhile. */
    async withFullDisk(meanwhile: () => Promise<void>): Promise<void> {
      const indexes = join(work, "vector", "indexes");
      await rm(indexes, { recursive: true });
      await writeFile(indexes, "");
      await meanwhile();
      await rm(indexes);
      await mkdir(indexes);
    },
    /** The same as a process of its own, which can be killed. */
    async asProcess(): Promise<PartProcess> {
      await part.close();
      const entry = new URL("main.ts", import.meta.url).pathname;
      const process = await startPartProcess(entry, { dir, env: vector.env });
      part = process;
      return process;
    },
    async [Symbol.asyncDispose]() {
      await part.close();
      await vector.close();
      await rm(work, { recursive: true, force: true });
    },
  };
}
