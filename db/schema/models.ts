import { sql } from "drizzle-orm";
import { check, index, integer, pgTable, text } from "drizzle-orm/pg-core";
import { chatMessages } from "./chat.ts";
import { createdAt, id } from "./columns.ts";
import { projects } from "./projects.ts";
import { runs } from "./runs.ts";

/** How a request to a language model ended; `ok` is the only one whose answer was used. */
export type ModelOutcome =
  | "ok"
  /** It asked for the body of a skill. */
  | "tool"
  | "malformed"
  | "refused"
  | "rate_limited"
  | "timeout"
  | "rejected"
  | "unavailable";

/** One row for each request to a language model, failed ones too: what it cost, never what was said. */
export const modelCalls = pgTable(
  "model_calls",
  {
    id: id(),
    projectId: text("project_id")
      .notNull()
      .references(() => projects.id, { onDelete: "cascade" }),
    // Cascade: the budget that it is counted against is the run's, and goes with it.
    runId: text("run_id").references(() => runs.id, { onDelete: "cascade" }),
    // Set null: a message that is removed was paid for all the same.
    messageId: text("message_id").references(() => chatMessages.id, { onDelete: "set null" }),
    stepId: text("step_id").notNull(),
    model: text("model").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    ms: integer("ms").notNull(),
    outcome: text("outcome").$type<ModelOutcome>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    index("model_calls_list_idx").on(t.projectId, t.createdAt, t.id),
    index("model_calls_run_idx").on(t.runId),
    index("model_calls_message_idx").on(t.messageId),
    check(
      "model_calls_counts_check",
      sql`${t.inputTokens} >= 0 and ${t.outputTokens} >= 0 and ${t.ms} >= 0`,
    ),
  ],
);
