import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import type { VectorAddress } from "#local/cloud.ts";
import { VectorServer } from "#local/upstash-api/vector-server.ts";

/** An index of its own in the vector server of the test run, and what removes it. */
export async function freshIndex(): Promise<VectorAddress & { drop(): Promise<void> }> {
  const server = inject("vectorServer");
  const { UPSTASH_VECTOR_REST_URL: url = "", UPSTASH_VECTOR_REST_TOKEN: admin = "" } = server;
  const vectors = new VectorServer(url, admin);
  const id = `test-${randomBytes(6).toString("hex")}`;
  const token = randomBytes(32).toString("base64url");
  await vectors.make(id, { token, type: "HYBRID" });
  return {
    index: { UPSTASH_VECTOR_REST_URL: vectors.urlOf(id), UPSTASH_VECTOR_REST_TOKEN: token },
    server,
    drop: () => vectors.drop(id),
  };
}
