import { Cron } from "croner";
import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import { conflict, type FlowControl, flowControl } from "./flow/config.ts";
import { limits } from "./limits.ts";
import { dueIn, duration, expression, issuesOf } from "./schemas.ts";

const trigger = z
  .strictObject({
    event: z.string().min(1).optional(),
    expression: expression.optional(),
    cron: z
      .string()
      .refine((text) => nextTick(text, Date.now()) !== undefined, "not a cron schedule")
      .optional(),
    jitter: duration.optional(),
  })
  .transform(({ event, expression, cron, jitter }, context) => {
    if (event !== undefined && cron === undefined) return { event, expression };
    if (cron !== undefined && event === undefined) return { cron, jitter };
    context.addIssue({ code: "custom", message: "a trigger has an event or a cron" });
    return z.NEVER;
  });

/** A function as the SDK registers it. What the engine cannot do yet is refused by name, never ignored. */
const functionConfig = z.strictObject({
  id: z.string().min(1),
  name: z.string().optional(),
  triggers: z.array(trigger).max(limits.triggers),
  steps: z.record(
    z.string(),
    z.object({
      runtime: z.object({
        type: z.literal("http"),
        url: z.url().refine(isLocal, "not on this machine"),
      }),
      retries: z.object({ attempts: z.int().min(0).max(limits.retries).optional() }).optional(),
    }),
  ),
  ...flowControl,
  cancel: z
    .array(
      z.strictObject({
        event: z.string().min(1),
        if: expression.optional(),
        timeout: dueIn.optional(),
      }),
    )
    .max(limits.cancelOn)
    .optional(),
});

const DEFAULT_RETRIES = 4;

/** A checked function, ready to run. */
export interface FunctionConfig extends FlowControl {
  /** `<app>-<function>`, unique over all apps. */
  readonly id: string;
  readonly name: string;
  readonly triggers: readonly (
    | { readonly event: string; readonly expression?: string }
    | { readonly cron: string; readonly jitter?: string }
  )[];
  /** Where the app serves it, without the step. */
  readonly url: string;
  /** Retries + 1. */
  readonly maxAttempts: number;
  readonly cancel: readonly {
    readonly event: string;
    readonly if?: string;
    readonly timeout?: string;
  }[];
}

/**
 * Checks one function of a registration.
 * @throws InvalidInput that names the function and what to change.
 */
export function parseFunction(input: unknown): FunctionConfig {
  const given = z.looseObject({ id: z.string() }).safeParse(input);
  const id = given.data?.id ?? "a function without id";
  const parsed = functionConfig.safeParse(input);
  if (!parsed.success) {
    throw new InvalidInput("bad_function", `${id}: ${issuesOf(parsed.error)}`);
  }
  const { data } = parsed;
  const step = Object.values(data.steps)[0];
  if (!step) throw new InvalidInput("bad_function", `${id}: steps is empty`);
  const { triggers, steps: _, cancel = [], ...flow } = data;
  const reason = conflict(flow);
  if (reason) throw new InvalidInput("bad_function", `${id}: ${reason}`);
  return {
    ...flow,
    name: data.name ?? data.id,
    triggers,
    url: step.runtime.url,
    maxAttempts: (step.retries?.attempts ?? DEFAULT_RETRIES) + 1,
    cancel,
  };
}

/**
 * The next time of a cron schedule after `after`, in milliseconds since the epoch; undefined when there is none or
 * it is not a schedule. A time zone stands in front: `TZ=Europe/Berlin 0 9 * * 1`.
 */
export function nextTick(schedule: string, after: number): number | undefined {
  const [, timezone, pattern = schedule] = /^(?:CRON_)?TZ=(\S+)\s+(.+)$/.exec(schedule) ?? [];
  try {
    return new Cron(pattern, { timezone: timezone ?? "UTC", paused: true })
      .nextRun(new Date(after))
      ?.getTime();
  } catch {
    return undefined; // croner throws on what it cannot read: that is the answer "not a schedule"
  }
}

/** Whether a serve URL points at this machine: the engine calls nothing else. */
export function isLocal(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return (
    (parsed?.protocol === "http:" || parsed?.protocol === "https:") &&
    ["127.0.0.1", "localhost", "[::1]"].includes(parsed.hostname)
  );
}
