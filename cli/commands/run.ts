import type { z } from "zod";
import * as answers from "../answers.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { cleanLine, say, sayJson, when } from "../output.ts";
import { lookUntil } from "../wait.ts";
import { effectTable } from "./lists.ts";

type Run = z.infer<typeof answers.runDetail>;

const ENDED = ["succeeded", "failed", "canceled"];

/** Something that happened in a run. */
interface Moment {
  /** Tells it apart from all others of the run. */
  readonly key: string;
  readonly at: string;
  readonly what: string;
  readonly who: string;
  readonly about: string;
}

/**
 * Shows a run from its request to its end; with `watch`, as it happens, until it has ended. Throws Failure when a watched
 * run did not succeed, or has not ended in time.
 */
export async function showRun(
  id: string,
  { watch, wait }: { watch?: boolean; wait: number },
  { api: apiOf, json }: Context,
): Promise<void> {
  const api = apiOf();
  const read = () => api.get(`/api/runs/${encodeURIComponent(id)}`, answers.runDetail);
  let run = await read();
  if (!watch) return json ? sayJson(run) : tell(run);
  if (!json) head(run);
  const seen = new Set<string>();
  const ended = await lookUntil(wait, async () => {
    run = await read();
    for (const moment of moments(run)) {
      if (seen.has(moment.key)) continue;
      seen.add(moment.key);
      if (json) sayJson(moment);
      else say(line(moment));
    }
    return ENDED.includes(run.status) ? run : null;
  });
  if (json) sayJson({ run: run.id, status: run.status, error: run.error });
  else tail(run);
  if (!ended) {
    throw new Failure(EXIT.undecided, `It is ${run.status}, and has not ended within ${wait} s.`);
  }
  if (run.status !== "succeeded") throw new Failure(EXIT.negative, "");
}

function tell(run: Run): void {
  head(run);
  for (const moment of moments(run)) say(line(moment));
  tail(run);
}

function head({ id, kind, mode, requestedBy, attempt }: Run): void {
  const again = attempt > 1 ? `, attempt ${attempt}` : "";
  say(`Run ${id}: ${kind}, ${mode}, asked for by ${requestedBy}${again}\n`);
}

function tail({ status, error, remediation, effects }: Run): void {
  if (effects.length > 0) say(`\n${effectTable(effects)}`);
  say(`\n${status}${error === null ? "" : `: ${error}`}`);
  if (remediation !== null) say(remediation);
}

function line({ at, what, who, about }: Moment): string {
  return `${when(at)}  ${what.padEnd(26)}  ${who.padEnd(14)}  ${about}`.trimEnd();
}

/** What the audit chain says, and between it the steps as they ended, by time. */
function moments({ timeline, steps }: Run): Moment[] {
  const said = timeline.map(({ seq, recordedAt: at, action: what, actor: who, payload }) => {
    return { key: `${seq}`, at, what, who: cleanLine(who), about: about(payload) };
  });
  const done = steps.flatMap(({ stepId, status, attempt, error, endedAt: at }) => {
    if (at === null) return [];
    const tried = attempt > 1 ? ` (attempt ${attempt})` : "";
    const key = `${stepId} ${attempt}`;
    return {
      ...{ key, at, what: `step ${status}`, who: "" },
      about: cleanLine(`${stepId}${tried} ${error ?? ""}`),
    };
  });
  return [...said, ...done].sort((a, b) => a.at.localeCompare(b.at));
}

/** The fields of an entry that say what it is about, in the order in which a person wants them. */
const TELLING = [
  ...["decision", "resolution", "reason", "stepId", "scope", "assurance", "waitingFor"],
  ...["externalUrl", "externalId", "detail", "note", "error"],
];

function about(payload: Readonly<Record<string, unknown>>): string {
  const said = TELLING.flatMap((name) => {
    const value = payload[name];
    return typeof value === "string" ? value : [];
  });
  return cleanLine([...new Set(said)].join("  "));
}
