import type { Logger } from "inngest";
import { log } from "../log.ts";

/**
 * What the Inngest SDK says, as lines of our log: structured, and redacted. It logs whole errors, also those that a step
 * threw before they are cleaned.
 */
export const sdkLogger: Logger = {
  info: (...args) => log.info(...line(args)),
  warn: (...args) => log.warn(...line(args)),
  error: (...args) => log.error(...line(args)),
  debug: () => {},
};

/** The SDK calls with `("text", …)`, and with `({err, …}, "text")` as pino has it. */
function line(args: readonly unknown[]): [string, Record<string, unknown>] {
  const texts = args.filter((arg) => typeof arg === "string");
  const objects = args.filter((arg) => typeof arg === "object" && arg !== null);
  const fields = objects.map((arg) => (arg instanceof Error ? { err: arg } : arg));
  const shown = Object.entries(Object.assign({}, ...fields)).map(([key, value]) => [
    key,
    value instanceof Error ? { message: value.message, stack: value.stack } : value,
  ]);
  // One of them is called message: ours has that name.
  return [`inngest: ${texts.join(" ")}`, { sdk: Object.fromEntries(shown) }];
}
