import { env } from "../env.ts";
import { errorMessage } from "../errors.ts";
import type { Health } from "../provision/input.ts";
import { redactText } from "../redact.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 64 * 1024;

/** Whether an app answers as it has to, and what it answered. */
export interface Answer {
  readonly healthy: boolean;
  /** For people: `200`, `503 instead of 200`, `no answer: ...`. */
  readonly said: string;
}

/**
 * Asks once. Nothing is thrown for an app that does not answer: that is an answer too. Redirects are not followed.
 * @param origin `https://host`, as Vercel says it.
 */
export async function askHealth(
  origin: string,
  { path, status, contains }: Health,
): Promise<Answer> {
  const bypass = env().VERCEL_AUTOMATION_BYPASS_SECRET;
  const url = new URL(path, origin);
  // What is asked gets a secret: nothing in a path may lead elsewhere.
  if (url.origin !== new URL(origin).origin)
    return { healthy: false, said: "not asked: another host" };
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        "user-agent": "countersign",
        ...(bypass !== undefined && { "x-vercel-protection-bypass": bypass }),
      },
    });
    if (response.status !== status) {
      await response.body?.cancel();
      return { healthy: false, said: `${response.status} instead of ${status}` };
    }
    if (contains === undefined) {
      await response.body?.cancel();
      return { healthy: true, said: String(status) };
    }
    const healthy = (await beginning(response)).includes(contains);
    return { healthy, said: healthy ? String(status) : `${status} without "${contains}"` };
  } catch (error) {
    return { healthy: false, said: `no answer: ${redactText(reason(error)).slice(0, 300)}` };
  }
}

function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return errorMessage(cause instanceof Error ? cause : error);
}

/** The first 64 KB of a body as text. */
async function beginning({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES).toString("utf8");
}
