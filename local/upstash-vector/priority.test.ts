import { expect, test } from "vitest";
import { universalSentenceEncoder } from "./embed/universal-sentence-encoder.ts";
import { testServer } from "./test-server.ts";

test("a query is answered while a large upsert is still being embedded", async () => {
  await using server = await testServer({ embedder: universalSentenceEncoder(1) });
  await server.index.upsert({ id: "before", data: "Approvals are single use." });
  const sentence =
    "The ledger plans, claims, sends and confirms every effect, and each of them is audited. ";
  const texts = Array.from({ length: 60 }, (_, i) => ({
    id: `${i}`,
    data: `${i} ${sentence.repeat(2)}`,
  }));
  let stored = false;
  const upsert = server.index.upsert(texts).then(() => {
    stored = true;
  });
  await expect
    .poll(async () => (await server.index.info()).pendingVectorCount, { interval: 5 })
    .toBe(60);
  const hits = await server.index.query({ data: "is an approval used once?", topK: 5 });
  expect(hits.map(({ id }) => id)).toEqual(["before"]);
  expect(stored).toBe(false);
  await upsert;
  expect(await server.index.info()).toMatchObject({ vectorCount: 61, pendingVectorCount: 0 });
});
