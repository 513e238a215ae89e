import type { Engine } from "../engine.ts";
import type { FunctionConfig } from "../function-config.ts";
import type { Run } from "../store/run.ts";
import { type Html, html, json, page, table, time } from "./html.ts";

/** Rows of a list. */
const SHOWN = 50;

/** The front page: what is registered, and what happened last. */
export function frontPage(engine: Engine, before: string | undefined): string {
  const { registry, events, runs } = engine;
  const apps = registry
    .apps()
    .map(({ name, url, sdk, synced_at }) => [name, url, sdk, time(synced_at)]);
  const functions = registry
    .all()
    .map((fn) => [link("functions", fn.id), triggersOf(fn), String(fn.maxAttempts)]);
  const latest = runs.latest(SHOWN, { before });
  return page(
    "Local Inngest engine",
    html`<h2>Apps</h2>${table(["name", "url", "sdk", "registered"], apps)}
<h2>Functions</h2>${table(["id", "triggers", "attempts"], functions)}
<h2>Runs</h2>${runTable(latest)}${older("/", latest)}
<h2>Events</h2>${table(
      ["id", "name", "received"],
      events
        .latest(SHOWN)
        .map(({ id, name, received_at }) => [link("events", id), name, time(received_at)]),
    )}`,
  );
}

/** A function: how it is configured, and its runs. */
export function functionPage(
  engine: Engine,
  fn: FunctionConfig,
  before: string | undefined,
): string {
  const runs = engine.runs.latest(SHOWN, { before, functionId: fn.id });
  const path = `/functions/${encodeURIComponent(fn.id)}`;
  return page(fn.id, html`${json(fn)}<h2>Runs</h2>${runTable(runs)}${older(path, runs)}`);
}

/** An event, and the runs that it started. */
export function eventPage(engine: Engine, id: string): string {
  const runs = engine.runs.ofEvent(id);
  return page(`Event ${id}`, html`${json(engine.events.get(id))}<h2>Runs</h2>${runTable(runs)}`);
}

/** A run: its steps, what it waits for, its errors, and what can be done about it. */
export function runPage(engine: Engine, run: Run): string {
  const steps = engine.runs
    .steps(run.id)
    .map((step) => [
      step.name,
      step.op,
      String(step.attempts),
      time(step.created_at),
      json(JSON.parse(step.result)),
    ]);
  const queued = engine.queue
    .ofRun(run.id)
    .map((item) => [
      item.name || (item.step_id ?? ""),
      item.kind,
      String(item.attempt + 1),
      time(item.due_at),
      item.last_error ?? "",
    ]);
  const waits = engine.pauses
    .ofRun(run.id)
    .map((pause) => [
      pause.name,
      pause.kind,
      pause.event ?? pause.signal ?? "",
      pause.expression ?? "",
      time(pause.expires_at),
    ]);
  const events = run.eventIds.map(
    (id) => html`<p>${link("events", id)}</p>${json(engine.events.get(id))}`,
  );
  const metadata = engine.metadata.ofRun(run.id);
  return page(
    `Run ${run.id}`,
    html`<p>${link("functions", run.functionId)} ${status(run)}, began ${time(run.createdAt)}${
      run.endedAt === null ? "" : `, ended ${time(run.endedAt)}`
    }</p>
<p>${button(run, "rerun", "Run again")} ${run.status === "Running" ? button(run, "cancel", "Cancel") : ""}</p>
${run.output === null ? null : html`<h2>${run.status === "Failed" ? "Error" : "Output"}</h2>${json(JSON.parse(run.output))}`}
<h2>Steps</h2>${table(["name", "operation", "attempts", "recorded", "result"], steps)}
<h2>Due</h2>${table(["name", "kind", "attempt", "due", "last error"], queued)}
<h2>Waits</h2>${table(["name", "kind", "event or signal", "if", "until"], waits)}
<h2>Events</h2>${events}
${metadata.length === 0 ? null : html`<h2>Metadata</h2>${json(metadata)}`}`,
  );
}

function runTable(runs: readonly Run[]): Html {
  return table(
    ["id", "function", "status", "began", "ended", "steps"],
    runs.map((run) => [
      link("runs", run.id),
      link("functions", run.functionId),
      status(run),
      time(run.createdAt),
      time(run.endedAt),
      run.stepCount,
    ]),
  );
}

function older(path: string, runs: readonly Run[]): Html | null {
  const last = runs.at(-1);
  return runs.length < SHOWN || !last
    ? null
    : html`<p><a href="${path}?before=${last.id}">Older runs</a></p>`;
}

function status(run: Run): Html {
  return html`<b class="${run.status}">${run.status}</b>`;
}

function button(run: Run, action: string, label: string): Html {
  return html`<form method="post" action="/runs/${run.id}/${action}"><button>${label}</button></form>`;
}

function link(list: "runs" | "events" | "functions", id: string): Html {
  return html`<a href="/${list}/${encodeURIComponent(id)}">${id}</a>`;
}

function triggersOf(fn: FunctionConfig): string {
  return fn.triggers
    .map((trigger) => ("cron" in trigger ? trigger.cron : trigger.event))
    .join(", ");
}
