import { Cron } from "croner";
import { z } from "zod";
import { errorMessage, InvalidInput } from "#lib/errors.ts";
import { parseDuration } from "./durations.ts";
import { compile } from "./expressions.ts";
import { limits } from "./limits.ts";

const expression = z.string().check((context) => {
  try {
    compile(context.value);
  } catch (error) {
    context.issues.push({ code: "custom", message: errorMessage(error), input: context.value });
  }
});
const duration = z.string().refine(isDuration, "not a duration such as 1h30m");

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

const concurrency = z.strictObject({
  limit: z.int().min(0),
  key: expression.optional(),
  scope: z.enum(["fn", "env", "account"]).optional(),
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
  idempotency: expression.optional(),
  concurrency: z
    .union([
      z.number().transform((limit) => [{ limit }]),
      concurrency.transform((one) => [one]),
      z.array(concurrency).max(limits.concurrencyKeys),
    ])
    .transform((list): z.infer<typeof concurrency>[] => list)
    .optional(),
  cancel: z
    .array(
      z.strictObject({
        event: z.string().min(1),
        if: expression.optional(),
        timeout: duration.optional(),
      }),
    )
    .max(limits.cancelOn)
    .optional(),
});

const NOT_YET = [
  "batchEvents",
  "rateLimit",
  "throttle",
  "debounce",
  "priority",
  "timeouts",
  "singleton",
];
const DEFAULT_RETRIES = 4;

/** A checked function, ready to run. */
export interface FunctionConfig {
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
  readonly idempotency?: string;
  readonly concurrency: readonly {
    readonly limit: number;
    readonly key?: string;
    readonly scope?: "fn" | "env" | "account";
  }[];
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
  const unsupported = NOT_YET.filter((name) => given.data?.[name] !== undefined);
  if (unsupported.length > 0) {
    throw new InvalidInput(
      "not_supported",
      `${id}: ${unsupported.join(", ")} is not supported by the local engine yet`,
    );
  }
  const parsed = functionConfig.safeParse(input);
  if (!parsed.success) {
    const why = parsed.error.issues
      .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
      .join("; ");
    throw new InvalidInput("bad_function", `${id}: ${why}`);
  }
  const { data } = parsed;
  const step = Object.values(data.steps)[0];
  if (!step) throw new InvalidInput("bad_function", `${id}: steps is empty`);
  return {
    id: data.id,
    name: data.name ?? data.id,
    triggers: data.triggers,
    url: step.runtime.url,
    maxAttempts: (step.retries?.attempts ?? DEFAULT_RETRIES) + 1,
    idempotency: data.idempotency,
    // The SDK's own convention: a limit of 0 means none.
    concurrency: (data.concurrency ?? []).filter(({ limit }) => limit > 0),
    cancel: data.cancel ?? [],
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

function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch {
    return false; // the only thing it throws is "not a duration"
  }
}
