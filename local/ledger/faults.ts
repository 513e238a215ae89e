import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
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
  switch (fault?.fault) {
    case undefined:
      return work(0);
    case "delayed-reads":
      return work(fault.ms ?? 1000);
    case "rate":
      return problem(429, "rate", "too many requests", { "retry-after": "1" });
    case "echo":
      return new Response(fault.body ?? "", { status: fault.status ?? 422 });
    case "before":
    case "error500":
      return failed();
    case "after":
      work(0);
      return failed();
    case "hang":
      return await hang(incoming, fault.ms);
    case "hang-after":
      work(0);
      return await hang(incoming, fault.ms);
    case "close":
      return cut(incoming);
    case "close-after":
      work(0);
      return cut(incoming);
  }
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

const failed = () => problem(500, "fault", "told to fail");

/** Never answers: until the caller gives up, or for `ms`. */
async function hang(incoming: IncomingMessage, ms: number | undefined): Promise<Response> {
  const gone = new Promise<void>((resolve) => incoming.socket.once("close", () => resolve()));
  if (ms === undefined) await gone;
  else {
    const over = new AbortController();
    await Promise.race([gone, sleep(ms, undefined, { signal: over.signal })]);
    over.abort();
  }
  return cut(incoming);
}

/** Nobody hears this answer: the socket is closed. */
function cut(incoming: IncomingMessage): Response {
  incoming.socket.destroy();
  return failed();
}
