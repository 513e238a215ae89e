import { readRun } from "../data/runs.server.ts";
import { Conflict } from "../errors.ts";
import { type ResearchInput, researchInput, type Wanted, wantedOf } from "./input.ts";

/** What a research run was asked for; it was checked when it was accepted. Throws Conflict when that was by other rules. */
export async function researchOf(runId: string): Promise<ResearchInput> {
  const { input } = await readRun({ id: runId });
  const { data } = researchInput.safeParse(input);
  if (data) return data;
  const what = `The run ${runId} was asked for with what is not taken any more. Ask for a new run, without this runId.`;
  throw new Conflict("template_changed", what, { runId });
}

/** The artifacts that a research run is to write. */
export async function wantedOfRun(runId: string): Promise<Wanted[]> {
  return wantedOf(await researchOf(runId));
}
