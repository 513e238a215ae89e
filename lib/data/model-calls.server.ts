import { eq, notInArray, sql } from "drizzle-orm";
import { db, type Executor } from "#db/client.ts";
import { modelCalls } from "#db/schema.ts";
import { Conflict } from "../errors.ts";
import { newId } from "../ids.ts";
import { violates } from "./violation.ts";

/** A request to a language model: what it cost and how it ended, nothing of what was said. */
export type ModelCall = Omit<typeof modelCalls.$inferInsert, "id" | "createdAt">;
export type ModelOutcome = ModelCall["outcome"];

const TURNED_AWAY = ["rate_limited", "unavailable", "rejected"] as const satisfies ModelOutcome[];

/** What requests to models have cost together. */
export interface Spent {
  /** Input and output. */
  readonly tokens: number;
  /** Those that a model worked on: who was turned away may ask again, as often as the engine repeats a step. */
  readonly calls: number;
  readonly ms: number;
}

/** Writes down a request that has ended. Throws Conflict when its project, run or message is gone meanwhile. */
export async function recordModelCall(call: ModelCall, executor: Executor = db()): Promise<void> {
  try {
    await executor.insert(modelCalls).values({ id: newId("modelCall"), ...call });
  } catch (error) {
    if (!violates(error, "foreignKey")) throw error;
    const { projectId, runId, messageId } = call;
    const what = "The project, run or message that a model was asked for is not there any more.";
    throw new Conflict("model_call_for_nobody", what, { projectId, runId, messageId }, error);
  }
}

/** What all requests for a run have cost, over all of its attempts, or those for a message. */
export async function spentOn(
  subject: { runId: string } | { messageId: string },
  executor: Executor = db(),
): Promise<Spent> {
  const { runId, messageId, inputTokens, outputTokens, ms, outcome } = modelCalls;
  const [row] = await executor
    .select({
      // As float8: the driver gives bigint as text, and no sum of ours comes near 2^53.
      tokens: sql<number>`coalesce(sum(${inputTokens}::bigint + ${outputTokens}), 0)::float8`,
      calls: sql<number>`count(*) filter (where ${notInArray(outcome, [...TURNED_AWAY])})::int`,
      ms: sql<number>`coalesce(sum(${ms}), 0)::float8`,
    })
    .from(modelCalls)
    .where("runId" in subject ? eq(runId, subject.runId) : eq(messageId, subject.messageId));
  return row ?? { tokens: 0, calls: 0, ms: 0 };
}
