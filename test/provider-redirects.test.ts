import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { readNeonProject } from "#lib/neon/projects.ts";
import { findVectorIndex } from "#lib/upstash/management-vector.ts";
import { findRedis } from "#lib/upstash/redis.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const signal = () => AbortSignal.timeout(10_000);

test.each([
  ["Neon", () => readNeonProject("cool-sun-12345678", signal())],
  ["Upstash Vector", () => findVectorIndex("x", signal())],
  ["Upstash Redis", () => findRedis("x", signal())],
])(
  "%s: nobody is asked but whom the environment names, whatever the answer says",
  async (_, call) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      // The same host: to it a client that follows would take its credentials along.
      response.writeHead(307, { location: "/elsewhere" }).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2`;
    vi.stubEnv("NEON_API_URL", url);
    vi.stubEnv("NEON_API_KEY", "napi_of-a-test");
    vi.stubEnv("UPSTASH_API_URL", url);
    vi.stubEnv("UPSTASH_EMAIL", "a@b.example");
    vi.stubEnv("UPSTASH_API_KEY", "key-of-a-test");
    try {
      await expect(call()).rejects.toMatchObject({ retry: false, context: { status: 307 } });
      expect(asked).toHaveLength(1);
      expect(asked[0]).toMatch(/^\/v2\//);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);
