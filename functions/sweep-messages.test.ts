import { InngestTestEngine } from "@inngest/test";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { db } from "#db/client.ts";
import { chatMessages } from "#db/schema.ts";
import { acceptMessage } from "#lib/chat/accept.ts";
import { failQuestion, insertReply } from "#lib/data/messages.server.ts";
import { createProject } from "#lib/data/projects.server.ts";
import { transaction } from "#lib/data/transaction.server.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { sweepMessages } from "./sweep-messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

/** The events that one sweep sends. */
async function sweep(): Promise<{ id: string; data: unknown }[]> {
  const engine = new InngestTestEngine({
    function: sweepMessages,
    steps: [{ id: "wake", handler: () => ({ ids: [] }) }],
  });
  const { ctx, result } = await engine.execute();
  const calls: unknown[][] = ctx.step.sendEvent.mock.calls;
  const sent = calls.flatMap(([, events]) => events as { id: string; data: unknown }[]);
  expect(result).toEqual({ woken: sent.length });
  return sent;
}

const later = () => db().update(chatMessages).set({ wokenAt: sql`now() - interval '20 minutes'` });

test("wakes questions that have waited too long, once per pause, and none that has its answer or failed", async () => {
  await createProject({ id: "p", ownerUserId: "o", name: "P", slug: "p" });
  const question = (messageId: string) => {
    return { projectId: "p", threadId: "t", messageId, content: `What is ${messageId}?` };
  };
  for (const id of ["waits", "answered", "failed"]) await acceptMessage(question(id));
  const reply = { threadId: "t", inReplyTo: "answered", content: "This.", metadata: {} };
  await transaction((tx) => insertReply(reply, tx));
  await failQuestion({ id: "failed", error: "a: b", remediation: "c" });
  expect(await sweep()).toEqual([]);

  await later();
  const first = await sweep();
  expect(first.map(({ data }) => data)).toEqual([question("waits")]);
  expect(await sweep()).toEqual([]);

  // Nobody came: it is woken again, by an event that is not taken for the one before.
  await later();
  const second = await sweep();
  expect(second.map(({ data }) => data)).toEqual([question("waits")]);
  expect(second[0]?.id).not.toBe(first[0]?.id);
});
