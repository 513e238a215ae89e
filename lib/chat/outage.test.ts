import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { document } from "../../test/support/document.ts";
import { setEnv } from "../../test/support/environment.ts";
import { modelBed } from "../../test/support/model.ts";
import { startVectorStore, type VectorStore } from "../../test/support/vector-store.ts";
import { UNANSWERED } from "../artifacts/compose.ts";
import { getMessage, replyTo } from "../data/messages.server.ts";
import { acceptMessage } from "./accept.ts";
import { answerQuestion } from "./answer.ts";

const RULE = "An anchor weighs forty kilograms and is painted red.";
const bed = modelBed();
let store: VectorStore;
let chunkId: string;
beforeAll(async () => {
  store = await startVectorStore();
  chunkId = await document("p", RULE);
});
afterAll(() => store?.close());
beforeEach(() => Object.assign(store, { status: 503, chunks: [{ projectId: "p", chunkId }] }));

/** Asks, each question in a thread of its own; returns its id. */
async function ask(id: string, content: string): Promise<string> {
  await acceptMessage({ projectId: "p", threadId: id, messageId: id, content });
  return id;
}
const again = { code: "vectors_unavailable", retry: true };

test("what words alone do not answer is tried again until the vector store is back", async () => {
  await setEnv({ MODEL: undefined });
  // No word of the document, which only its meaning brings up; then nothing can be quoted.
  const id = await ask("meaning", "How heavy are they?");
  await expect(answerQuestion("p", id)).rejects.toMatchObject(again);
  await expect(answerQuestion("p", id)).rejects.toThrow(/^vectors_unavailable: /);
  expect(await getMessage({ id })).toMatchObject({ state: "pending", error: null });
  store.status = 200;
  expect(await answerQuestion("p", id)).toMatchObject({ outcome: "replied" });
  const metadata = { answered: false, sources: 1 };
  expect(await replyTo({ id })).toMatchObject({ content: UNANSWERED, metadata });
});

test("what words alone answer is answered, with a warning", async () => {
  await setEnv({ MODEL: undefined });
  const id = await ask("words", "What does an anchor weigh in kilograms?");
  expect(await answerQuestion("p", id)).toMatchObject({ outcome: "replied" });
  expect(await replyTo({ id })).toMatchObject({
    ...{ content: `${RULE} [1]` },
    metadata: { answered: true, warning: expect.stringContaining("words alone") },
  });
});

test("a model is asked about what words find once, not at each try of an outage", async () => {
  const id = await ask("paid", "Of which colour is an anchor?");
  bed.server.replies.push({ answer: { answered: false, statements: [] } });
  for (let n = 0; n < 3; n++) {
    await expect(answerQuestion("p", id)).rejects.toMatchObject(again);
  }
  expect(bed.server.requests).toHaveLength(1);
  store.status = 200;
  const citations = [{ source: 1, quote: RULE }];
  bed.server.replies.push({
    answer: { answered: true, statements: [{ text: "Red.", citations }] },
  });
  expect(await answerQuestion("p", id)).toMatchObject({ outcome: "replied" });
  expect(await replyTo({ id })).toMatchObject({ content: "Red. [1]" });
});

test("a model is not asked where nothing is found", async () => {
  Object.assign(store, { status: 200, chunks: [] });
  const id = await ask("nothing", "Who composed the magic flute?");
  expect(await answerQuestion("p", id)).toMatchObject({ outcome: "replied" });
  const metadata = { model: null, answered: false, sources: 0 };
  expect(await replyTo({ id })).toMatchObject({ content: UNANSWERED, metadata });
  expect(bed.server.requests).toEqual([]);
});
