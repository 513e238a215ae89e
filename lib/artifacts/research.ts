import { readRun } from "../data/runs.server.ts";
import { type ResearchInput, researchInput, type Wanted, wantedOf } from "./input.ts";

/** What a research run was asked for; it was checked when it was accepted. */
export async function researchOf(runId: string): Promise<ResearchInput> {
  const { input } = await readRun({ id: runId });
  return researchInput.parse(input);
}

/** The artifacts that a research run is to write. */
export async function wantedOfRun(runId: string): Promise<Wanted[]> {
  return wantedOf(await researchOf(runId));
}
