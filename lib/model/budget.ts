import { type Spent, spentOn } from "../data/model-calls.server.ts";
import { Conflict } from "../errors.ts";
import type { Budget, Caller } from "./port.ts";

/** What a run may spend unless it says more: some fifty sections of usual length, and a few that are written twice. */
export const RUN_BUDGET: Budget = { tokens: 1_000_000, calls: 150, seconds: 3_600 };
/** What the answer to one message of a chat may cost. */
export const MESSAGE_BUDGET: Budget = { tokens: 150_000, calls: 10, seconds: 300 };

/**
 * How much may still be spent for a caller when `tokens` more are about to be: at least those tokens, one call, and some time.
 * Calls that go on at the same time do not see each other. Throws Conflict (`budget_tokens`, `budget_calls`,
 * `budget_seconds`), which ends a run until somebody asks for it again with a larger budget.
 */
export async function checkBudget(caller: Caller, tokens: number): Promise<{ leftMs: number }> {
  const budget = budgetOf(caller);
  const { runId, messageId } = caller;
  const spent = await spentOn(runId === undefined ? { messageId } : { runId });
  const over = exceeded(budget, spent, tokens);
  if (over !== undefined) throw overBudget(over, { budget, spent, tokens, caller });
  return { leftMs: budget.seconds * 1000 - spent.ms };
}

function budgetOf({ runId, budget }: Caller): Budget {
  return { ...(runId === undefined ? MESSAGE_BUDGET : RUN_BUDGET), ...budget };
}

function exceeded(budget: Budget, spent: Spent, tokens: number): keyof Budget | undefined {
  if (spent.calls + 1 > budget.calls) return "calls";
  if (spent.ms >= budget.seconds * 1000) return "seconds";
  return spent.tokens + tokens > budget.tokens ? "tokens" : undefined;
}

function overBudget(
  over: keyof Budget,
  {
    budget,
    spent,
    tokens,
    caller,
  }: { budget: Budget; spent: Spent; tokens: number; caller: Caller },
): Conflict {
  const used = {
    tokens: `${spent.tokens} of ${budget.tokens} tokens are used and the next request may take ${tokens}`,
    calls: `${spent.calls} of ${budget.calls} requests are made`,
    seconds: `${Math.ceil(spent.ms / 1000)} of ${budget.seconds} seconds are used`,
  }[over];
  const next =
    caller.runId === undefined
      ? "Ask something that needs less, in a new message."
      : `Request the run again with runId ${caller.runId} and a larger budget.${over}: it goes on where it stopped.`;
  const context = { ...spent, limit: budget[over], runId: caller.runId };
  return new Conflict(
    `budget_${over}`,
    `The budget for models is spent: ${used}. ${next}`,
    context,
  );
}
