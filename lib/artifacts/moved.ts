import { Conflict } from "../errors.ts";

/**
 * The sources of a section were removed or read anew while a run worked with them. To go on would publish that the documents
 * do not answer what they do answer; what was gathered is in the step ledger, so only another run looks anew.
 */
export function sourcesMoved(kind: string, section: string): Conflict {
  const what = `What was found for ${kind}, section ${section}, was removed or read anew meanwhile. Ask for a new run, without this runId.`;
  return new Conflict("sources_moved", what, { kind, section });
}
