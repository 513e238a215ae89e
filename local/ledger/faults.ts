import type { IncomingMessage } from "node:http";
import { struck } from "../faults.ts";
import type { Fault } from "./store.ts";

/**
 * Does `work` in the way that `fault` says, and returns the answer, if the caller gets one at all.
 * @param work what was asked for; it gets how long readers do not see what it creates, in milliseconds.
 * @param incoming the request as Node has it, whose socket some faults close.
 */
export async function faulty(
  fault: Fault | undefined,
  incoming: IncomingMessage,
  work: (readDelayMs: number) => Response,
): Promise<Response> {
  if (fault?.fault === "echo") {
    return new Response(fault.body ?? "", { status: fault.status ?? 422 });
  }
  const told = fault && { fault: fault.fault, ms: fault.ms };
  return await struck(told, incoming, {
    work,
    failed: () => problem(500, "fault", "told to fail"),
    limited: () => problem(429, "rate", "too many requests", { "retry-after": "1" }),
  });
}

/** An error as the service answers it: `{code, message}` and what else belongs to it. */
export function problem(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
  more: object = {},
): Response {
  return Response.json({ code, message, ...more }, { status, headers });
}
