import { redactJson, redactText } from "../redact.ts";

/** The SDK sends this many causes at most. */
const MAX_CAUSES = 10;

/**
 * Redacts an error where it stands, since its class tells the SDK what to do: message, stack and those of all causes, which
 * Inngest shows and keeps. What was thrown and is no error is redacted as JSON.
 */
export function cleanError(thrown: unknown, depth = 0): unknown {
  if (!(thrown instanceof Error)) return redactJson(thrown);
  set(thrown, "message", redactText(thrown.message));
  if (thrown.stack !== undefined) set(thrown, "stack", redactText(thrown.stack));
  if (thrown.cause === undefined) return thrown;
  const cause = depth < MAX_CAUSES ? cleanError(thrown.cause, depth + 1) : undefined;
  set(thrown, "cause", cause);
  return thrown;
}

/** Some errors have these as accessors, or read-only. */
function set(error: Error, name: "message" | "stack" | "cause", value: unknown): void {
  const kept = Object.getOwnPropertyDescriptor(error, name);
  Object.defineProperty(error, name, {
    value,
    enumerable: kept?.enumerable ?? false,
    configurable: true,
    writable: true,
  });
}
