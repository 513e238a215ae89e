import { randomUUID } from "node:crypto";
import { doAgain } from "./again.ts";
import type { Answer, AppClient } from "./app-client.ts";
import { reconnectDelay } from "./backoff.ts";
import type { Engine } from "./engine.ts";
import type { FunctionConfig } from "./function-config.ts";
import { finishRun } from "./lifecycle.ts";
import { limits } from "./limits.ts";
import { applyOps, failAttempt } from "./ops.ts";
import { readReply } from "./reply.ts";
import { markStarted } from "./start.ts";
import { PLAN_ONLY, type QueueItem } from "./store/queue.ts";
import type { Run } from "./store/run.ts";

/** A connection that ends in the middle of a call counts as an attempt only after so many times in a row. */
const UNCOUNTED_BREAKS = 10;

/** Calls the app for queue items and applies what it answers. */
export class Executor {
  readonly #engine: Engine;
  readonly #client: AppClient;
  readonly #onBack: (fn: FunctionConfig) => void;
  /** Request id -> run id of the calls that are under way: only these may checkpoint. */
  readonly #underWay = new Map<string, string>();
  /** Serve URLs of apps that could not be reached last. */
  readonly #down = new Set<string>();
  #stopped = false;

  /** @param onBack is told when an app that could not be reached answers again. */
  constructor(engine: Engine, client: AppClient, onBack: (fn: FunctionConfig) => void) {
    this.#engine = engine;
    this.#client = client;
    this.#onBack = onBack;
  }

  /** From here on answers are ignored: their items are still queued and will be called again by the next start. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether a call with this id is under way for this run: if not, its results come too late. */
  isUnderWay(requestId: string, runId: string): boolean {
    return this.#underWay.get(requestId) === runId;
  }

  /** Makes one call; rejects only as {@link doAgain} throws. */
  async run(item: QueueItem): Promise<void> {
    const { db, queue, runs, registry } = this.#engine;
    const requestId = randomUUID();
    try {
      const run = item.run_id ? runs.get(item.run_id) : undefined;
      const fn = run && registry.get(run.functionId);
      if (run?.status !== "Running" || !fn) {
        db.transaction(() => this.#drop(item, run));
        return;
      }
      if (item.again) queue.clearAgain(item.id);
      if (fn.timeouts && run.startedAt === null) {
        db.transaction(() => markStarted(this.#engine, run.id, fn));
      }
      this.#underWay.set(requestId, run.id);
      const answer = await this.#call(run, fn, item, requestId);
      if (this.#stopped) return;
      if (answer.kind === "answered" && this.#down.delete(fn.url)) this.#onBack(fn);
      db.transaction(() => this.#apply(run.id, fn, item, answer));
      await db.committed();
    } catch (error) {
      if (this.#stopped) return;
      doAgain(this.#engine, item, error);
    } finally {
      this.#underWay.delete(requestId);
    }
  }

  #drop(item: QueueItem, run: Run | undefined): void {
    this.#engine.queue.remove(item.id);
    if (run?.status !== "Running") return;
    const message = `the function ${run.functionId} is no longer registered`;
    finishRun(this.#engine, run, { status: "Failed", error: { name: "Error", message } });
  }

  #call(run: Run, fn: FunctionConfig, item: QueueItem, requestId: string): Promise<Answer> {
    const url = new URL(fn.url);
    url.searchParams.set("fnId", fn.id);
    url.searchParams.set("stepId", item.step_id ?? "step");
    return this.#client.call({
      method: "POST",
      url: url.href,
      headers: {
        "x-inngest-server-kind": "dev",
        "x-request-id": requestId,
        "x-inngest-job-id": item.id,
        "x-inngest-generation-id": String(item.attempt),
        ...(run.version >= 0 ? { "x-inngest-req-version": String(run.version) } : {}),
      },
      body: this.#body(run, fn, item, requestId),
      timeoutMs: this.#engine.options.callTimeoutMs,
      maxBytes: limits.replyBytes,
    });
  }

  #body(run: Run, fn: FunctionConfig, item: QueueItem, requestId: string): string {
    const { events: stored, runs } = this.#engine;
    const events = run.eventIds.flatMap((id) => stored.json(id) ?? []);
    const steps = runs.steps(run.id);
    const bytes = events.reduce((sum, event) => sum + event.length, run.stateBytes);
    const useApi = bytes > limits.inlineStateBytes;
    const ids = steps.map((step) => step.step_id);
    const head = {
      version: run.version,
      use_api: useApi,
      ctx: {
        fn_id: fn.id,
        run_id: run.id,
        env: "local",
        step_id: item.step_id,
        attempt: item.attempt,
        max_attempts: fn.maxAttempts,
        qi_id: item.id,
        job_id: item.id,
        request_id: requestId,
        generation_id: item.attempt,
        // While steps are pending a look for new ones must run none of them itself.
        disable_immediate_execution: item.payload === PLAN_ONLY || runs.hasPending(run.id),
        use_api: useApi,
        stack: { stack: ids, current: ids.length },
      },
    };
    // Events and results are JSON already: put in as they are instead of being parsed and written again.
    const results = useApi
      ? []
      : steps.map((step) => `${JSON.stringify(step.step_id)}:${step.result}`);
    const parts = [
      JSON.stringify(head).slice(1, -1),
      `"event":${events[0] ?? "{}"}`,
      `"events":[${useApi ? "" : events.join(",")}]`,
      `"steps":{${results.join(",")}}`,
    ];
    return `{${parts.join(",")}}`;
  }

  #apply(runId: string, fn: FunctionConfig, item: QueueItem, answer: Answer): void {
    const engine = this.#engine;
    const run = engine.runs.get(runId);
    if (run?.status !== "Running" || !engine.queue.get(item.id)) return; // ended or cancelled meanwhile
    if (answer.kind === "answered") {
      const reply = readReply(answer, Date.now());
      if (reply.kind === "ops") applyOps(engine, run, item, reply);
      else if (reply.kind === "done")
        finishRun(engine, run, { status: "Completed", result: reply.result });
      else if (reply.final) finishRun(engine, run, { status: "Failed", error: reply.error });
      else failAttempt(engine, run, item, reply.error, reply.retryAfterMs);
      return;
    }
    const { kind, message } = answer;
    if (kind === "refused" || (kind === "broken" && item.failures < UNCOUNTED_BREAKS)) {
      if (!this.#down.has(fn.url)) engine.log(`the app cannot be reached, trying on: ${message}`);
      this.#down.add(fn.url);
      engine.queue.move(item.id, {
        due_at: Date.now() + reconnectDelay(item.failures),
        attempt: item.attempt,
        failures: item.failures + 1,
        last_error: message,
      });
      return;
    }
    failAttempt(engine, run, item, { name: "Error", message }, undefined);
  }
}
