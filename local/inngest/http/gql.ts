import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import type { Engine } from "../engine.ts";
import { HttpError, type Request, type Response } from "./router.ts";

const body = z.looseObject({
  query: z.string().max(20_000),
  variables: z.record(z.string(), z.unknown()).nullish(),
});

const queries: Readonly<Record<string, (engine: Engine, id: string) => unknown>> = {
  run(engine, id) {
    const run = engine.runs.get(id);
    if (!run) return null;
    const status = run.status.toUpperCase();
    return { status, trace: { status, outputID: run.output === null ? null : run.id } };
  },
  runTraceSpanOutputByID(engine, id) {
    const run = engine.runs.get(id);
    if (!run) return null;
    const failed = run.status === "Failed";
    return {
      data: failed ? null : run.output,
      error: failed ? JSON.parse(run.output ?? "null") : null,
    };
  },
  eventV2(engine, id) {
    const event = engine.events.get(id);
    if (!event) return null;
    const idempotencyKey = event.id === id ? undefined : event.id;
    return { idempotencyKey, name: event.name, raw: JSON.stringify(event) };
  },
};

/**
 * The three GraphQL queries that tools around the SDK ask of a dev server, recognised by their field: how a run ended,
 * its output, and an event. The answer has the fields they read, whichever of them a query names.
 */
export async function gql(engine: Engine, request: Request): Promise<Response> {
  const parsed = body.safeParse(await request.json());
  if (!parsed.success) throw new InvalidInput("bad_query", parsed.error.message);
  const { query, variables } = parsed.data;
  const [, field = "", variable = ""] =
    /\b(\w+)\s*\(\s*(?:runID|outputID|id)\s*:\s*\$(\w+)/.exec(query) ?? [];
  const answer = Object.hasOwn(queries, field) ? queries[field] : undefined;
  if (!answer) throw new HttpError(501, "POST /v0/gql: this query is not part of the local engine");
  return { json: { data: { [field]: answer(engine, String(variables?.[variable] ?? "")) } } };
}
