import { getJson, putJson } from "../blob/json.ts";
import { checkKey, projectPrefix } from "../blob/port.ts";
import type { PinnedCitation } from "../retrieval/citations.ts";
import type { Wanted } from "./input.ts";

/** Which artifact of which run is being written. */
export interface Work extends Wanted {
  readonly projectId: string;
  readonly runId: string;
}

/** A sentence with where it comes from, as the writer says. */
export interface DraftStatement {
  readonly text: string;
  readonly citations: readonly { readonly chunkId: string; readonly quote: string }[];
}

/** A section as the writer left it. Kept as a blob: steps pass ids, and documents are no ids. */
export interface SectionDraft {
  readonly id: string;
  readonly statements: readonly DraftStatement[];
  /** Null: no model, the statements are sentences of the sources. */
  readonly model: string | null;
}

/** A sentence whose quotes stand where they are said to stand. */
export interface CheckedStatement {
  readonly text: string;
  readonly citations: readonly PinnedCitation[];
}

export interface CheckedSection {
  readonly id: string;
  /** None: the sources do not answer this section. */
  readonly statements: readonly CheckedStatement[];
  readonly model: string | null;
}

const keyOf = ({ projectId, runId, kind }: Work, name: string) =>
  checkKey(`${projectPrefix(projectId)}/runs/${runId}/drafts/${kind}/${name}.json`);

export async function putSection(work: Work, draft: SectionDraft): Promise<void> {
  await putJson(keyOf(work, `section-${draft.id}`), draft);
}

export async function getSection(work: Work, id: string): Promise<SectionDraft> {
  return (await getJson(keyOf(work, `section-${id}`))) as SectionDraft;
}

export async function putChecked(work: Work, sections: readonly CheckedSection[]): Promise<void> {
  await putJson(keyOf(work, "checked"), sections);
}

export async function getChecked(work: Work): Promise<CheckedSection[]> {
  return (await getJson(keyOf(work, "checked"))) as CheckedSection[];
}
