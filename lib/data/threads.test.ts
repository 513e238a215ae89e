import { afterAll, beforeAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../test/setup/database.ts";
import { insertQuestion, insertReply } from "./messages.server.ts";
import { createProject } from "./projects.server.ts";
import { insertThread, lockThread, readThread } from "./threads.server.ts";
import { transaction } from "./transaction.server.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await createProject({ id: "p", ownerUserId: "ann", name: "P", slug: "p" });
});
afterAll(() => database.close());

test("a thread is never read as answering beside the reply to its only question", async () => {
  const seen = new Set<string>();
  const look = async (id: string) => {
    const { thread, messages } = await readThread({ id, ownerUserId: "ann" });
    seen.add(`${thread.state} with ${messages.items.length}`);
  };
  for (let n = 0; n < 40; n++) {
    const threadId = `t${n}`;
    await transaction(async (tx) => {
      await insertThread({ id: threadId, projectId: "p", title: "T", createdBy: "ann" }, tx);
      await insertQuestion({ id: `m${n}`, threadId, content: "Why?" }, tx);
    });
    await look(threadId);
    const replying = transaction(async (tx) => {
      await lockThread({ id: threadId }, tx);
      const reply = { threadId, inReplyTo: `m${n}`, content: "So.", metadata: {} };
      await insertReply(reply, tx);
    });
    // Readers set off at every moment around the commit of the reply.
    await Promise.all([replying, ...Array.from({ length: 6 }, () => look(threadId))]);
    await look(threadId);
  }
  expect([...seen].sort()).toEqual(["answering with 1", "idle with 2"]);
});
