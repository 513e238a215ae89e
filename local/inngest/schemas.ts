import { z } from "zod";
import { errorMessage } from "#lib/errors.ts";
import { dueTime, parseDuration } from "./durations.ts";
import { compile } from "./expressions.ts";

/** A CEL expression that compiles. */
export const expression = z.string().check((context) => {
  try {
    compile(context.value);
  } catch (error) {
    context.issues.push({ code: "custom", message: errorMessage(error), input: context.value });
  }
});

/** A duration such as `1h30m`. */
export const duration = z.string().refine(isDuration, "not a duration such as 1h30m");

/** A duration or a date, within production's bound of a wait. */
export const dueIn = z
  .string()
  .refine(
    (text) => isGood(() => dueTime(text, Date.now())),
    "neither a duration such as 1h30m nor a date, or more than 366 days away",
  );

/** A duration between two others, which are given as durations too. */
export function durationBetween(least: string, most: string) {
  return duration.refine((text) => {
    if (!isDuration(text)) return true; // said already
    const ms = parseDuration(text);
    return ms >= parseDuration(least) && ms <= parseDuration(most);
  }, `has to be between ${least} and ${most}`);
}

/** What zod found, on one line. */
export function issuesOf(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
}

function isDuration(text: string): boolean {
  return isGood(() => parseDuration(text));
}

function isGood(parse: () => number): boolean {
  try {
    parse();
    return true;
  } catch {
    return false; // the only thing it throws is that it is not
  }
}
