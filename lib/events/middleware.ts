import { Middleware, NonRetriableError, RetryAfterError } from "inngest";
import { growing } from "../backoff.ts";
import { CountersignError, Later, NotYet } from "../errors.ts";
import { log } from "../log.ts";
import { cleanError } from "./clean.ts";

/**
 * Turns our errors into Inngest's, here and nowhere else: one that says that a repeat cannot help ends the step at once
 * instead of burning four retries. And nothing secret is in them: Inngest keeps message, stack and causes.
 */
export class ErrorMiddleware extends Middleware.BaseMiddleware {
  readonly id = "countersign/errors";

  // The handler's error, before it is sent: what wrapStep sees comes when the engine has decided already.
  override wrapStepHandler({ ctx, next }: Middleware.WrapStepHandlerArgs): Promise<unknown> {
    return final(next, ctx.attempt);
  }

  override wrapFunctionHandler({ ctx, next }: Middleware.WrapFunctionHandlerArgs) {
    return final(next, ctx.attempt);
  }
}

/** @param attempt how often it was tried before */
async function final(next: () => Promise<unknown>, attempt: number): Promise<unknown> {
  try {
    return await next();
  } catch (thrown) {
    const error = cleanError(thrown);
    if (error instanceof CountersignError && !error.retry) {
      throw new NonRetriableError(`${error.code}: ${error.message}`, { cause: error });
    }
    if (error instanceof Later) {
      const pause = error instanceof NotYet ? growing(error.afterMs, attempt) : error.afterMs;
      throw new RetryAfterError(`${error.code}: ${error.message}`, pause, { cause: error });
    }
    throw error;
  }
}

/** One line per finished step and per error, with what is needed to find the run. */
export class LogMiddleware extends Middleware.BaseMiddleware {
  readonly id = "countersign/log";
  readonly #started = new Map<string, number>();

  override onStepStart({ stepInfo }: Middleware.OnStepStartArgs): void {
    this.#started.set(stepInfo.hashedId, performance.now());
  }

  override onStepComplete({ ctx, fn, stepInfo, output }: Middleware.OnStepCompleteArgs): void {
    log.info("step finished", {
      function: fn.id(),
      step: stepInfo.options.id,
      runId: ctx.runId,
      ms: this.#elapsed(stepInfo.hashedId),
      subject: subject(ctx.event?.data),
      output: scalars(output),
    });
  }

  override onStepError({
    ctx,
    fn,
    stepInfo,
    error,
    isFinalAttempt,
  }: Middleware.OnStepErrorArgs): void {
    log.warn("step failed", {
      function: fn.id(),
      step: stepInfo.options.id,
      runId: ctx.runId,
      ms: this.#elapsed(stepInfo.hashedId),
      final: isFinalAttempt,
      subject: subject(ctx.event?.data),
      error: error.message,
    });
  }

  #elapsed(hashedId: string): number | undefined {
    const started = this.#started.get(hashedId);
    this.#started.delete(hashedId);
    return started === undefined ? undefined : Math.round(performance.now() - started);
  }
}

/** What an event is about: its ids and its name, never its contents. */
export function subject(data: unknown): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(scalars(data)).filter(([key]) => key === "name" || key.endsWith("Id")),
  );
}

type Scalar = string | number | boolean;

/** The scalar fields of a step's output: ids and counts, which is all that a step of ours returns. */
function scalars(value: unknown): Record<string, Scalar> {
  if (value === null || typeof value !== "object") return {};
  const scalar = (entry: [string, unknown]): entry is [string, Scalar] =>
    ["string", "number", "boolean"].includes(typeof entry[1]);
  return Object.fromEntries(Object.entries(value).filter(scalar));
}
