import type { Engine } from "../engine.ts";
import type { Executor } from "../executor.ts";
import { takeIn } from "../intake.ts";
import { finishRun } from "../lifecycle.ts";
import { addPages } from "../page/routes.ts";
import type { Run } from "../store/run.ts";
import { addMetadata, cancelMany, invoke, signal } from "./actions.ts";
import { checkpoint } from "./checkpoint.ts";
import { gql } from "./gql.ts";
import { addRealtime } from "./realtime.ts";
import { HttpError, Router } from "./router.ts";

/** Everything the engine answers. */
export function createRouter(engine: Engine, executor: Executor): Router {
  const { events, runs, registry, metadata } = engine;
  const runOf = (id: string | undefined): Run => {
    const run = runs.get(id ?? "");
    if (!run) throw new HttpError(404, `there is no run ${id}`);
    return run;
  };
  const router = new Router(() => engine.db.committed())
    .on("POST /fn/register", async (request) => {
      const kind = request.header("x-inngest-expected-server-kind");
      if (kind !== undefined && kind !== "dev") {
        throw new HttpError(400, `the app expects a server of kind ${kind}, this one is dev`);
      }
      return { json: { ok: true, modified: registry.register(await request.json()) } };
    })
    .on("POST /e/:key", async (request) => {
      if (!/^[\w-]{1,200}$/.test(request.params.key ?? "")) {
        throw new HttpError(401, "an event key consists of letters, digits, - and _");
      }
      const seed = request.header("x-inngest-event-id-seed");
      const ids = takeIn(engine, await request.json(), seed);
      return { json: { ids, status: 200 } };
    })
    .on("GET /dev", () => ({
      json: { version: "local", apps: registry.apps(), functions: registry.all() },
    }))
    .on("GET /health", () => ({ json: { status: 200, message: "OK" } }))
    .on("POST /v1/checkpoint/:run/async", (request) => checkpoint(engine, executor, request))
    .on("GET /v0/runs/:run/actions", ({ params }) => {
      const steps = runs.steps(runOf(params.run).id);
      return {
        json: Object.fromEntries(
          steps.map((step) => [step.step_id, JSON.parse(step.result) as unknown]),
        ),
      };
    })
    .on("GET /v0/runs/:run/batch", ({ params }) => ({
      json: runOf(params.run).eventIds.flatMap((id) => events.get(id) ?? []),
    }))
    .on("GET /v1/events/:id", ({ params }) => {
      const [id] = events.idsOf(params.id ?? "");
      if (!id) throw new HttpError(404, `there is no event ${params.id}`);
      return { json: { data: { internal_id: id, ...events.get(id) } } };
    })
    .on("GET /v1/events/:id/runs", ({ params }) => ({
      json: { data: events.idsOf(params.id ?? "").flatMap((id) => runs.ofEvent(id).map(describe)) },
    }))
    .on("GET /v1/runs/:id", ({ params }) => ({ json: { data: describe(runOf(params.id)) } }))
    .on("GET /v1/runs/:id/jobs", ({ params }) => ({
      json: { data: jobs(engine, runOf(params.id)) },
    }))
    .on("DELETE /v1/runs/:id", ({ params }) => {
      const run = runOf(params.id);
      engine.db.transaction(() => finishRun(engine, run, { status: "Cancelled" }));
      return { status: 204 };
    })
    .on("POST /v1/runs/:run/metadata", (request) => addMetadata(engine, request))
    .on("GET /v1/runs/:run/metadata", ({ params }) => ({
      json: { data: metadata.ofRun(runOf(params.run).id) },
    }))
    .on("POST /v1/cancellations", (request) => cancelMany(engine, request))
    .on("POST /v1/signals", (request) => signal(engine, request))
    .on("POST /invoke/:slug", (request) => invoke(engine, request))
    .on("POST /v0/gql", (request) => gql(engine, request));
  return addPages(addRealtime(router), engine);
}

/** A run as `/v1/runs` shows it. */
function describe(run: Run): Record<string, unknown> {
  const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    run_id: run.id,
    function_id: run.functionId,
    event_id: run.eventId,
    status: run.status,
    run_started_at: time(run.createdAt),
    ended_at: time(run.endedAt),
    output: run.output === null ? null : (JSON.parse(run.output) as unknown),
  };
}

/** What a run still has to do: queued calls and timers, and what it waits for. */
function jobs({ queue, pauses }: Engine, run: Run): Record<string, unknown>[] {
  const queued = queue.ofRun(run.id).map((item) => ({
    id: item.id,
    kind: item.kind,
    step_id: item.step_id,
    name: item.name,
    at: new Date(item.due_at).toISOString(),
    attempt: item.attempt,
    last_error: item.last_error,
  }));
  const waits = pauses.ofRun(run.id).map((pause) => ({
    id: pause.id,
    kind: pause.kind,
    step_id: pause.step_id,
    name: pause.name,
    event: pause.event,
    expression: pause.expression,
    until: pause.expires_at === null ? null : new Date(pause.expires_at).toISOString(),
  }));
  return [...queued, ...waits];
}
