import { z } from "zod";
import { limits } from "../limits.ts";
import { duration, durationBetween, expression } from "../schemas.ts";

const key = expression.optional();

const concurrencyLimit = z.strictObject({
  limit: z.int().min(0),
  key,
  scope: z.enum(["fn", "env", "account"]).optional(),
});

const concurrency = z
  .union([
    z.number().transform((limit) => [{ limit }]),
    concurrencyLimit.transform((one) => [one]),
    z.array(concurrencyLimit).max(limits.concurrencyKeys),
  ])
  // The SDK's own convention: a limit of 0 means none.
  .transform((list): z.infer<typeof concurrencyLimit>[] => list.filter(({ limit }) => limit > 0));

/** What a function says about when and how often it may run, within production's bounds. */
export const flowControl = {
  idempotency: expression.optional(),
  concurrency: concurrency.optional(),
  /** At most `limit` runs start in a period, evenly spread but for a burst; the others start later. */
  throttle: z
    .strictObject({
      key,
      limit: z.int().min(1),
      period: durationBetween("1s", "7d"),
      burst: z.int().min(0).optional(),
    })
    .optional(),
  /** At most `limit` runs start in a period; the others never. */
  rateLimit: z
    .strictObject({ key, limit: z.int().min(1), period: durationBetween("1s", "24h") })
    .optional(),
  /** A run starts when no event has come for a period, with the last one. */
  debounce: z
    .strictObject({ key, period: durationBetween("1s", "7d"), timeout: duration.optional() })
    .optional(),
  /** One run for several events. */
  batchEvents: z
    .strictObject({
      key,
      if: expression.optional(),
      maxSize: z.int().min(2).max(limits.batchEvents),
      timeout: durationBetween("1s", "10m"),
    })
    .optional(),
  /** At most one run at a time. */
  singleton: z.strictObject({ key, mode: z.enum(["skip", "cancel"]) }).optional(),
  /** Seconds by which a run goes before others, or after them. */
  priority: z.strictObject({ run: expression.optional() }).optional(),
  /** How long a run may wait for its start, and how long it may take from there. */
  timeouts: z.strictObject({ start: duration.optional(), finish: duration.optional() }).optional(),
};

/** The checked form of {@link flowControl}. */
export type FlowControl = Readonly<z.infer<z.ZodObject<typeof flowControl>>>;

/** Pairs that production refuses at registration, too. */
export function conflict(config: FlowControl): string | undefined {
  if (config.batchEvents && config.priority?.run) {
    return "a function cannot have batchEvents and priority together";
  }
  return undefined;
}
