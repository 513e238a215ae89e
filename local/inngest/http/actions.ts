import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import type { Engine } from "../engine.ts";
import { admit } from "../flow/admission.ts";
import { resultOn } from "../flow/keys.ts";
import { seededIds, ulid } from "../ids.ts";
import { finishRun } from "../lifecycle.ts";
import { limits } from "../limits.ts";
import { expression, issuesOf } from "../schemas.ts";
import { eventMeta, joinSessions } from "../sessions.ts";
import { sendSignal } from "../signals.ts";
import { HttpError, type Request, type Response } from "./router.ts";

const signalBody = z.looseObject({
  signal: z.string().min(1).max(1000),
  data: z.unknown().optional(),
});

/** `POST /v1/signals`: 404 when no run waits for it, which the SDK understands. */
export async function signal(engine: Engine, request: Request): Promise<Response> {
  const { signal, data } = read(signalBody, await request.json());
  const run_id = sendSignal(engine, signal, data);
  if (!run_id) throw new HttpError(404, `no run waits for the signal ${signal}`);
  return { json: { data: { run_id } } };
}

const invocation = z.looseObject({
  data: z.record(z.string(), z.unknown()).nullish(),
  meta: eventMeta.nullish(),
});

/** `POST /invoke/:slug`: starts one function directly, with the body as its event. */
export async function invoke(engine: Engine, request: Request): Promise<Response> {
  const fn = engine.registry.get(request.params.slug ?? "");
  if (!fn) throw new HttpError(404, `there is no function ${request.params.slug}`);
  const given = read(invocation, await request.json());
  const id = seededIds(request.header("x-inngest-event-id-seed"))(0);
  const event = {
    ...given,
    ...(given.meta ? { meta: joinSessions(given.meta) } : {}),
    id,
    name: "inngest/function.invoked",
    data: { ...given.data, _inngest: { fn_id: fn.id } },
    ts: Date.now(),
  };
  if (Buffer.byteLength(JSON.stringify(event)) > limits.eventBytes) {
    throw new HttpError(413, `an event has at most ${limits.eventBytes} bytes`);
  }
  engine.db.transaction(() => {
    if (engine.events.add(id, event)) {
      admit(engine, fn, { eventId: id, event, correlationId: null });
    }
  });
  return { json: { id, status: 200 } };
}

const cancellation = z.looseObject({
  app_id: z.string().min(1),
  function_id: z.string().min(1),
  started_after: z.iso.datetime({ offset: true }).nullish(),
  started_before: z.iso.datetime({ offset: true }),
  if: expression.nullish(),
});

/** `POST /v1/cancellations`: cancels the runs of a function that started in a period and match. */
export async function cancelMany(engine: Engine, request: Request): Promise<Response> {
  const asked = read(cancellation, await request.json());
  const fn =
    engine.registry.get(`${asked.app_id}-${asked.function_id}`) ??
    engine.registry.get(asked.function_id);
  if (!fn) throw new HttpError(404, "function not found");
  const after = asked.started_after ? Date.parse(asked.started_after) : 0;
  engine.db.transaction(() => {
    for (const run of engine.runs.running(fn.id, after, Date.parse(asked.started_before))) {
      const event = engine.events.get(run.eventId);
      if (asked.if && (!event || resultOn(asked.if, event) !== true)) continue;
      finishRun(engine, run, { status: "Cancelled" });
    }
  });
  const { app_id: _, ...rest } = asked;
  const ids = { environment_id: "local", function_internal_id: fn.id };
  return { json: { data: { id: ulid(), ...ids, ...rest } } };
}

const metadataBody = z.looseObject({
  target: z.record(z.string(), z.unknown()),
  metadata: z.array(z.record(z.string(), z.unknown())).min(1).max(1000),
});

/** `POST /v1/runs/:run/metadata`: what an app notes about a run or one of its steps. */
export async function addMetadata(engine: Engine, request: Request): Promise<Response> {
  const run = engine.runs.get(request.params.run ?? "");
  if (!run) throw new HttpError(404, `there is no run ${request.params.run}`);
  const { target, metadata } = read(metadataBody, await request.json());
  engine.db.transaction(() => {
    for (const entry of metadata) {
      const note = JSON.stringify({ target, ...entry });
      if (Buffer.byteLength(note) > limits.metadataBytes) {
        throw new HttpError(413, `metadata has at most ${limits.metadataBytes} bytes`);
      }
      engine.metadata.add(run.id, note);
    }
    if (engine.metadata.bytes(run.id) > limits.runMetadataBytes) {
      throw new HttpError(413, `a run has at most ${limits.runMetadataBytes} bytes of metadata`);
    }
  });
  return { json: { data: {} } };
}

function read<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new InvalidInput("bad_request", issuesOf(parsed.error));
  return parsed.data;
}
