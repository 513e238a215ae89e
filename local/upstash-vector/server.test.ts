import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Index } from "@upstash/vector";
import { expect, test } from "vitest";
import { startUpstashVector } from "./server.ts";

test("text that was upserted is found by meaning and by word, through the real client and model", async () => {
  const dir = await mkdtemp(join(tmpdir(), "upstash-vector-"));
  const part = await startUpstashVector({ dir });
  try {
    const index = new Index({
      url: part.env.UPSTASH_VECTOR_REST_URL,
      token: part.env.UPSTASH_VECTOR_REST_TOKEN,
    });
    const chunks = index.namespace("project:p1:chunks");
    const answer = await chunks.upsert([
      {
        id: "ledger",
        data: "The approval ledger records every decision before an effect is sent.",
      },
      { id: "cats", data: "Cats and dogs sleep in the sun." },
      { id: "zh", data: "审批账本在发送之前记录每个决定。", metadata: { language: "zh" } },
    ]);
    expect(answer).toBe("Success");
    const ids = (hits: { id: string | number }[]) => hits.map(({ id }) => id);
    expect(ids(await chunks.query({ data: "which decisions are approved?", topK: 1 }))).toEqual([
      "ledger",
    ]);
    expect(ids(await chunks.query({ data: "pets", topK: 1 }))).toEqual(["cats"]);
    const [chinese] = await chunks.query({
      data: "记录",
      topK: 1,
      includeData: true,
      includeMetadata: true,
    });
    expect(chinese).toMatchObject({
      id: "zh",
      data: "审批账本在发送之前记录每个决定。",
      metadata: { language: "zh" },
    });
  } finally {
    await part.close();
    await rm(dir, { recursive: true });
  }
});
