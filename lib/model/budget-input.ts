import * as z from "zod";

/** One model call of a large section costs some thousand tokens; nobody needs more than this from one run. */
const MOST = { tokens: 20_000_000, calls: 10_000, seconds: 24 * 60 * 60 };

/** What a run may spend on models, as whoever asks for it says; what is left out is as in budget.ts. */
export const budgetInput = z.strictObject({
  tokens: z.int().min(1).max(MOST.tokens).optional(),
  calls: z.int().min(1).max(MOST.calls).optional(),
  seconds: z.int().min(1).max(MOST.seconds).optional(),
});
