import type { Engine } from "../engine.ts";
import { HttpError, type Request, type Response, type Router } from "../http/router.ts";
import { finishRun } from "../lifecycle.ts";
import { startRun } from "../start.ts";
import type { Run } from "../store/run.ts";
import { eventPage, frontPage, functionPage, runPage } from "./pages.ts";

/** The page for the person at the laptop: what is there, and two buttons. */
export function addPages(router: Router, engine: Engine): Router {
  const runOf = ({ params }: Request): Run => {
    const run = engine.runs.get(params.id ?? "");
    if (!run) throw new HttpError(404, `there is no run ${params.id}`);
    return run;
  };
  return router
    .on("GET /", ({ query }) => ({ html: frontPage(engine, query.get("before") ?? undefined) }))
    .on("GET /functions/:id", ({ params, query }) => {
      const fn = engine.registry.get(params.id ?? "");
      if (!fn) throw new HttpError(404, `there is no function ${params.id}`);
      return { html: functionPage(engine, fn, query.get("before") ?? undefined) };
    })
    .on("GET /events/:id", ({ params }) => {
      const [id] = engine.events.idsOf(params.id ?? "");
      if (!id) throw new HttpError(404, `there is no event ${params.id}`);
      return { html: eventPage(engine, id) };
    })
    .on("GET /runs/:id", (request) => ({ html: runPage(engine, runOf(request)) }))
    .on("POST /runs/:id/cancel", (request) => {
      requireOwnPage(request);
      const run = runOf(request);
      engine.db.transaction(() => finishRun(engine, run, { status: "Cancelled" }));
      return see(run.id);
    })
    .on("POST /runs/:id/rerun", (request) => {
      requireOwnPage(request);
      return see(rerun(engine, runOf(request)));
    });
}

/** Starts a run with the events of another one, whatever flow control would make of them. */
function rerun(engine: Engine, run: Run): string {
  const fn = engine.registry.get(run.functionId);
  if (!fn) throw new HttpError(409, `the function ${run.functionId} is no longer registered`);
  const arrivals = run.eventIds.flatMap((eventId) => {
    const event = engine.events.get(eventId);
    return event ? [{ eventId, event, correlationId: null }] : [];
  });
  const id = engine.db.transaction(() => startRun(engine, fn, arrivals, null));
  if (!id) throw new HttpError(409, "the events of this run are no longer there");
  return id;
}

/** Only our own page may press its buttons: a browser says where a form comes from. */
function requireOwnPage(request: Request): void {
  const origin = request.header("origin");
  if (origin !== `http://${request.header("host")}`) {
    throw new HttpError(403, `this is for the engine's own page, not for ${origin ?? "others"}`);
  }
}

function see(runId: string): Response {
  return { status: 303, location: `/runs/${runId}` };
}
