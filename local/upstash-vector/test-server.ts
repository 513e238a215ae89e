import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Index } from "@upstash/vector";
import type { LocalPart } from "../part.ts";
import { hashingEmbedder } from "./embed/hashing-embedder.ts";
import { startUpstashVector, type UpstashVectorOptions } from "./server.ts";

export interface TestServer {
  readonly part: LocalPart;
  readonly index: Index;
  readonly dir: string;
  /** A request past the client, for what it does not send. */
  request(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** For tests: a server on a directory of its own, with vectors of two dimensions, and the official client on it. */
export async function testServer(options: Partial<UpstashVectorOptions> = {}): Promise<TestServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "upstash-vector-")));
  const part = await startUpstashVector({ embedder: hashingEmbedder(2), ...options, dir });
  return {
    part,
    dir,
    index: client(part.env),
    async request(path, init) {
      const authorization = `Bearer ${part.env.UPSTASH_VECTOR_REST_TOKEN}`;
      const response = await fetch(`${part.url}/${path}`, {
        method: "POST",
        ...init,
        headers: { authorization, ...init?.headers },
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
    },
    async [Symbol.asyncDispose]() {
      await part.close();
      // A test that gave the directory still needs it.
      if (!options.dir) await rm(dir, { recursive: true });
    },
  };
}

/** The official client for a part, without retries: a refused connection is a failure here. */
export function client(env: LocalPart["env"]): Index {
  return new Index({
    url: env.UPSTASH_VECTOR_REST_URL ?? "",
    token: env.UPSTASH_VECTOR_REST_TOKEN ?? "",
    retry: false,
    enableTelemetry: false,
  });
}
