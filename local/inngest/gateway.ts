import { z } from "zod";
import { errorMessage } from "#lib/errors.ts";
import { doAgain } from "./again.ts";
import { retryDelay } from "./backoff.ts";
import type { Engine } from "./engine.ts";
import { resolveStep, type WireError } from "./lifecycle.ts";
import { limits } from "./limits.ts";
import type { QueueItem } from "./store/queue.ts";

const request = z.looseObject({
  op: z.enum(["Gateway", "AIGateway"]),
  url: z.url({ protocol: /^https?$/ }),
  method: z.string().default("GET"),
  headers: z.record(z.string(), z.string()).nullish(),
  body: z.unknown().optional(),
  /** Of an AI call: who speaks there, and the secret that it wants to see. */
  format: z.string().optional(),
  auth_key: z.string().optional(),
});
type GatewayRequest = z.infer<typeof request>;

type Outcome = { readonly data: unknown } | { readonly error: WireError };

/**
 * Makes the HTTP calls that functions leave to the server (`step.fetch`, `step.ai.infer`), so that no function has to
 * wait for them. A call that fails is repeated as a step would be; then the step has an error.
 */
export class Gateway {
  readonly #engine: Engine;
  readonly #stop = new AbortController();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Calls under way end; they are queued still, and made again by the next start. */
  stop(): void {
    this.#stop.abort();
  }

  /** Makes one call; rejects only as {@link doAgain} throws. */
  async run(item: QueueItem): Promise<void> {
    try {
      await this.#run(item);
    } catch (error) {
      if (!this.#stop.signal.aborted) doAgain(this.#engine, item, error);
    }
  }

  async #run(item: QueueItem): Promise<void> {
    const parsed = request.safeParse(JSON.parse(item.payload ?? "{}"));
    const outcome = parsed.success
      ? await this.#call(parsed.data)
      : { error: { name: "GatewayError", message: `not a request: ${parsed.error.message}` } };
    if (this.#stop.signal.aborted) return;
    const { db, queue, runs, registry, options } = this.#engine;
    db.transaction(() => {
      const run = runs.get(item.run_id ?? "");
      if (run?.status !== "Running" || !queue.get(item.id)) return; // ended or cancelled meanwhile
      const maxAttempts = registry.get(run.functionId)?.maxAttempts ?? 1;
      if ("error" in outcome && parsed.success && item.attempt + 1 < maxAttempts) {
        queue.move(item.id, {
          due_at: Date.now() + retryDelay(item.attempt, options.retryDelayMs),
          attempt: item.attempt + 1,
          failures: 0,
          last_error: outcome.error.message,
        });
        return;
      }
      queue.remove(item.id);
      const step = {
        id: item.step_id ?? "",
        op: parsed.data?.op ?? "Gateway",
        name: item.name,
        race: item.race === 1,
        attempts: item.attempt + 1,
      };
      resolveStep(this.#engine, run.id, step, outcome);
    });
    await db.committed();
  }

  async #call(asked: GatewayRequest): Promise<Outcome> {
    const ai = asked.op === "AIGateway";
    const name = ai ? "AIGatewayError" : "GatewayError";
    const kind = ai ? "AI" : "gateway";
    try {
      const response = await fetch(ai ? aiUrl(asked) : asked.url, {
        ...(ai ? aiRequest(asked) : plainRequest(asked)),
        signal: AbortSignal.any([
          this.#stop.signal,
          AbortSignal.timeout(this.#engine.options.callTimeoutMs),
        ]),
      });
      const body = await readText(response);
      if (!ai) {
        const headers = Object.fromEntries(response.headers);
        return { data: { url: asked.url, headers, body, status_code: response.status } };
      }
      if (response.ok) return { data: JSON.parse(body) as unknown };
      const message = `Error making AI request: unsuccessful status code: ${response.status}`;
      return { error: { name, message, stack: body } };
    } catch (error) {
      const cause = error instanceof Error && error.cause ? `: ${errorMessage(error.cause)}` : "";
      const message = `Error making ${kind} request: ${errorMessage(error)}${cause}`;
      return { error: { name, message } };
    }
  }
}

function plainRequest({ method, headers, body }: GatewayRequest): RequestInit {
  return {
    method,
    headers: headers ?? {},
    body: typeof body === "string" || body === undefined ? body : JSON.stringify(body),
  };
}

/** The headers under which the services expect their key. */
function aiRequest({ headers, body, format, auth_key = "" }: GatewayRequest): RequestInit {
  const auth: Record<string, string> =
    format === "gemini"
      ? {}
      : format === "anthropic"
        ? { "x-api-key": auth_key }
        : { authorization: format === "bedrock" ? auth_key : `Bearer ${auth_key}` };
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...auth, ...headers },
    body: JSON.stringify(body ?? null),
  };
}

function aiUrl({ url, format, auth_key }: GatewayRequest): string {
  const parsed = new URL(url);
  if (format === "gemini" && auth_key) parsed.searchParams.set("key", auth_key);
  return parsed.href;
}

/** The body as text, within the limit of a step's output. */
async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limits.stepOutputBytes) {
      throw new RangeError(`the answer has more than ${limits.stepOutputBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
