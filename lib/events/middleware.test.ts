import type { Middleware } from "inngest";
import { expect, test } from "vitest";
import { Later, noProjectYet } from "../errors.ts";
import { inngest } from "./client.ts";
import { ErrorMiddleware } from "./middleware.ts";

/** How long the engine is told to wait, in seconds, when a step has thrown that, after so many tries before. */
async function pauseAfter(error: Error, attempt: number): Promise<number> {
  const next = () => Promise.reject(error);
  const args = { ctx: { attempt }, next } as unknown as Middleware.WrapStepHandlerArgs;
  const thrown = await new ErrorMiddleware({ client: inngest })
    .wrapStepHandler(args)
    .catch((told: { retryAfter: string }) => told);
  return Number((thrown as { retryAfter: string }).retryAfter);
}

test.each([
  [0, 1],
  [4, 16],
  [11, 2048],
  [19, 3600],
])(
  "what waits for its project has waited %i times, and now waits %i s: a moment or an outage",
  async (attempt, seconds) => {
    expect(await pauseAfter(noProjectYet("p"), attempt)).toBe(seconds);
  },
);

test("who says when to come again is asked then, however often it was before", async () => {
  for (const attempt of [0, 7])
    expect(await pauseAfter(new Later("busy", "", 5000), attempt)).toBe(5);
});
