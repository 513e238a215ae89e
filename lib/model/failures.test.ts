import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { db } from "#db/client.ts";
import { chatMessages, chatThreads, modelCalls } from "#db/schema.ts";
import { good, modelBed, written } from "../../test/support/model.ts";
import { spentOn } from "../data/model-calls.server.ts";
import { Later } from "../errors.ts";

const bed = modelBed();

test("twice unusable is an error that may pass", async () => {
  bed.server.replies.push({ text: "Sure! Here it is:" }, { text: "" });
  await expect(bed.ask()).rejects.toMatchObject({ code: "model_malformed", retry: true });
  expect(await bed.outcomes()).toEqual(["malformed", "malformed"]);
});

test.each([
  ["a refusal", { refusal: "I cannot help with that." }],
  ["a filter", { text: "", finish: "content_filter" as const }],
])("%s is final", async (_, reply) => {
  bed.server.replies.push(reply);
  await expect(bed.ask()).rejects.toMatchObject({ code: "model_refused", retry: false });
  expect(bed.server.requests).toHaveLength(1);
  expect(await bed.outcomes()).toEqual(["refused"]);
});

test("a busy server is asked again when it said", async () => {
  const busy = { status: 429, message: "Slow down" };
  bed.server.replies.push({ ...busy, headers: { "retry-after": "7" } }, busy);
  const error = await bed.ask().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Later);
  expect(error).toMatchObject({ code: "model_busy", afterMs: 7000 });
  await expect(bed.ask()).rejects.toMatchObject({ code: "model_busy", afterMs: 20_000 });
  bed.server.replies.push({ ...busy, headers: { "retry-after": "999999" } });
  await expect(bed.ask()).rejects.toMatchObject({ afterMs: 900_000 });
  expect(await bed.rows()).toMatchObject(
    Array(3).fill({ outcome: "rate_limited", inputTokens: 0 }),
  );
});

test.each([
  ["500", { status: 500, message: "It broke" }, "It broke"],
  ["a socket that closes", { fault: "close" as const }, "did not answer to the end"],
  ["a stream that is cut", { fault: "cut" as const }, "did not answer to the end"],
  ["an error in the stream", { fault: "stream_error" as const }, "engine is overloaded"],
])("%s may pass", async (_, reply, message) => {
  bed.server.replies.push(reply);
  const error = await bed.ask().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "model_unavailable", retry: true });
  // The SDK's error holds the prompt.
  expect((error as Error).cause).toBeUndefined();
  expect(String(error)).toContain(message);
  expect(bed.server.requests).toHaveLength(1);
  expect(await bed.outcomes()).toEqual(["unavailable"]);
});

test("an answer that breaks off was paid for as far as it came", async () => {
  bed.server.replies.push({ fault: "stream_error" });
  await expect(bed.ask()).rejects.toMatchObject({ code: "model_unavailable" });
  const [row] = await bed.rows();
  expect(row).toMatchObject({ outcome: "unavailable" });
  expect(row?.outputTokens).toBeGreaterThan(0);
  expect(row?.inputTokens).toBeGreaterThan(100);
  expect(await spentOn(bed.caller)).toMatchObject({ calls: 0 });
});

test("a server that hangs is left after the time that is set", async () => {
  process.env.MODEL_TIMEOUT_SECONDS = "1";
  bed.server.replies.push({ fault: "hang" });
  await expect(bed.ask()).rejects.toMatchObject({ code: "model_timeout", retry: true });
  const [row] = await bed.rows();
  expect(row).toMatchObject({ outcome: "timeout", outputTokens: 0 });
  expect(row?.inputTokens).toBeGreaterThan(100);
  expect(row?.ms).toBeGreaterThanOrEqual(900);
});

test("a key that the server repeats is not in the error", async () => {
  process.env.MODEL_API_KEY = "a-wrong-key-that-has-no-known-form";
  const error = await bed.ask().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "model_rejected", retry: false });
  expect(String(error)).toContain("Incorrect API key provided");
  expect(JSON.stringify(error) + String(error) + (error as Error).stack).not.toContain(
    "a-wrong-key",
  );
  expect(await bed.outcomes()).toEqual(["rejected"]);
});

test.each([
  ["tokens", { tokens: 20_000 }],
  ["calls", { calls: 1 }],
  ["seconds", { seconds: 60 }],
])(
  "a run whose budget of %s is spent stops before the next request, and says how to go on",
  async (what, budget) => {
    bed.server.replies.push(good, good);
    const spending = {
      ...bed.caller,
      budget: budget,
    };
    expect(await bed.ask({}, spending)).toEqual(written);
    const [spent] = await bed.rows();
    const used = (spent?.inputTokens ?? 0) + (spent?.outputTokens ?? 0);
    const over = {
      ...budget,
      ...(what === "seconds" && { seconds: (spent?.ms ?? 1) / 1000 }),
      ...(what === "tokens" && { tokens: used + 8_000 }),
    };
    const error = await bed
      .ask({}, { ...spending, budget: over })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: `budget_${what}`, retry: false });
    expect(String(error)).toContain(
      `Request the run again with runId ${bed.caller.runId} and a larger budget.${what}`,
    );
    expect(bed.server.requests).toHaveLength(1);
    // Another run has its own, and this one goes on with more.
    expect(await bed.ask({}, { ...spending, budget: { [what]: 100_000 } })).toEqual(written);
    expect(await spentOn(bed.caller)).toMatchObject({ calls: 2 });
  },
);

test("a request is broken off where the seconds of the budget end", async () => {
  bed.server.replies.push({ fault: "hang" });
  const asking = bed.ask({}, { ...bed.caller, budget: { seconds: 0.3 } });
  await expect(asking).rejects.toMatchObject({ code: "budget_seconds", retry: false });
  expect(await bed.outcomes()).toEqual(["timeout"]);
});

test("the answer to a message has a budget of its own", async () => {
  const thread = { id: "t", projectId: "p", title: "t", createdBy: "o" };
  await db().insert(chatThreads).values(thread);
  await db().insert(chatMessages).values({ id: "m", threadId: "t", role: "user", content: "?" });
  const caller = { projectId: "p", messageId: "m", stepId: "reply", budget: { calls: 1 } };
  bed.server.replies.push(good);
  expect(await bed.ask({}, caller)).toEqual(written);
  const again = bed.ask({}, caller);
  await expect(again).rejects.toMatchObject({ code: "budget_calls" });
  await expect(again).rejects.toThrow("in a new message");
  // A message that is gone was paid for all the same, and a project that is gone has no rows.
  await db().delete(chatMessages).where(eq(chatMessages.id, "m"));
  expect(await db().select().from(modelCalls).where(eq(modelCalls.stepId, "reply"))).toMatchObject([
    { messageId: null, runId: null, outcome: "ok" },
  ]);
  bed.server.replies.push(good);
  const gone = bed.ask({}, { ...caller, messageId: "never" });
  await expect(gone).rejects.toMatchObject({ code: "model_call_for_nobody", retry: false });
});
