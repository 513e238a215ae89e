import { InngestTestEngine } from "@inngest/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acceptMessage } from "#lib/chat/accept.ts";
import { getMessage } from "#lib/data/messages.server.ts";
import { createProject } from "#lib/data/projects.server.ts";
import { type TestDatabase, testDatabase } from "../test/setup/database.ts";
import { closeMessage } from "./close-message.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  await createProject({ id: "p", ownerUserId: "o", name: "P", slug: "p" });
});
afterAll(() => database.close());

const question = (messageId: string) => {
  return { projectId: "p", threadId: "t", messageId, content: `What is ${messageId}?` };
};

/** What the engine says when it has given up the answering of `sent`. */
async function closed(
  how: "failed" | "cancelled",
  sent: Record<string, unknown>,
  message = "function_lost: gone",
): Promise<unknown> {
  const error = { name: "Error", message, stack: "" };
  const event = { id: "e", name: "chat.message.sent", data: sent };
  const data = { function_id: "answer-message", run_id: "r", error, event };
  const engine = new InngestTestEngine({
    function: closeMessage,
    events: [{ name: `inngest/function.${how}`, data }],
  });
  const { result, error: thrown } = await engine.execute();
  expect(thrown).toBeUndefined();
  return result;
}

test("a question that the engine has given up says so in its thread, once", async () => {
  await acceptMessage(question("m1"));
  const error = "model_refused: The model says no.";
  expect(await closed("failed", question("m1"), error)).toEqual({ failed: true });
  const said = { state: "failed", error, remediation: expect.stringContaining("other words") };
  expect(await getMessage({ id: "m1" })).toMatchObject(said);
  // Late and again, with another word about it.
  expect(await closed("failed", question("m1"), "x: y")).toEqual({ failed: false });
  expect(await getMessage({ id: "m1" })).toMatchObject(said);
});

test("one that somebody ended in the dashboard says that", async () => {
  await acceptMessage(question("m2"));
  expect(await closed("cancelled", question("m2"))).toEqual({ failed: true });
  expect(await getMessage({ id: "m2" })).toMatchObject({
    ...{ state: "failed", error: "Canceled in the Inngest dashboard." },
    remediation: expect.stringContaining("same messageId"),
  });
});

test.each([
  { what: "other words", sent: { ...question("m3"), content: "Something else" } },
  { what: "another thread", sent: { ...question("m3"), threadId: "t2" } },
  { what: "a message that is not there", sent: question("m4") },
  { what: "no message at all", sent: { messageId: "m3" } },
])("an event that was refused for $what says nothing about the question", async ({ sent }) => {
  await acceptMessage(question("m3"));
  expect(await closed("failed", sent)).toEqual({ failed: false });
  expect(await getMessage({ id: "m3" })).toMatchObject({ state: "pending", error: null });
});

test("a question is not failed for a run that was lost while older ones of its thread waited, but is when somebody ends it", async () => {
  const older = { ...question("m5"), threadId: "t5" };
  const newer = { ...question("m6"), threadId: "t5" };
  await acceptMessage(older);
  await acceptMessage(newer);
  expect(await closed("failed", newer)).toEqual({ failed: false });
  expect(await getMessage({ id: "m6" })).toMatchObject({ state: "pending", error: null });
  expect(await closed("failed", older)).toEqual({ failed: true });
  expect(await closed("failed", newer)).toEqual({ failed: true });

  await acceptMessage(older);
  await acceptMessage(newer);
  expect(await closed("cancelled", newer)).toEqual({ failed: true });
  expect(await getMessage({ id: "m5" })).toMatchObject({ state: "pending" });
});
