import { getJson } from "../blob/json.ts";
import { checkKey, projectPrefix } from "../blob/port.ts";
import { getLatestArtifact } from "../data/artifacts.server.ts";
import { Conflict, NotFound } from "../errors.ts";
import { putProjectJson } from "../projects/blobs.ts";
import type { CodeCitation, PinnedCitation } from "../retrieval/citations.ts";
import type { Wanted } from "./input.ts";
import { type Template, templateOf } from "./kinds.ts";

/** Which artifact of which run is being written. */
export interface Work extends Wanted {
  readonly projectId: string;
  readonly runId: string;
}

/** A sentence with where it comes from, as the writer says. */
export interface DraftStatement {
  readonly text: string;
  /** `chunkId`: of a document's chunk, or of a passage of code. */
  readonly citations: readonly { readonly chunkId: string; readonly quote: string }[];
}

/** What an artifact's sentence may cite, with where it stands. */
export type Cited = PinnedCitation | CodeCitation;

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
  readonly citations: readonly Cited[];
}

export interface CheckedSection {
  readonly id: string;
  /** None: the sources do not answer this section. */
  readonly statements: readonly CheckedStatement[];
  readonly model: string | null;
}

/** Below this lies all that a run writes before it is published; it goes some time after the run has ended. */
export const draftsPrefix = ({ projectId, runId }: Pick<Work, "projectId" | "runId">) =>
  checkKey(`${projectPrefix(projectId)}/runs/${runId}/drafts`);

const keyOf = (work: Work, name: string) =>
  checkKey(`${draftsPrefix(work)}/${work.kind}/${name}.json`);

const put = (work: Work, name: string, value: unknown) =>
  putProjectJson(work.projectId, keyOf(work, name), value);

export async function putSection(work: Work, draft: SectionDraft): Promise<void> {
  await put(work, `section-${draft.id}`, draft);
}

/** Throws Conflict (`template_changed`) when it was never written. */
export async function getSection(work: Work, id: string): Promise<SectionDraft> {
  const draft = await find(work, `section-${id}`);
  if (draft === null) throw templateChanged(work.kind, id);
  return draft as SectionDraft;
}

/** Keeps what stood the check, as the writer said it: it is pinned anew when it is published. */
export async function putChecked(work: Work, sections: readonly SectionDraft[]): Promise<void> {
  await put(work, "checked", sections);
}

export async function getChecked(work: Work): Promise<SectionDraft[]> {
  return (await getJson(keyOf(work, "checked"))) as SectionDraft[];
}

/** Keeps the sections that a run writes: a deployment that changes them changes no run that is under way. */
export async function pinTemplate(work: Work): Promise<Template> {
  const template = templateOf(work.kind);
  await put(work, "template", template);
  return template;
}

/** The sections that this run writes; of one that began before they were kept, those of today. */
export async function templateOfRun(work: Work): Promise<Template> {
  return ((await find(work, "template")) as Template | null) ?? templateOf(work.kind);
}

/** Keeps which version a run refines: what others publish meanwhile is neither mixed into it nor taken back by it. */
export async function pinBase(work: Work): Promise<void> {
  const latest = await getLatestArtifact(work);
  await put(work, "base", { artifactId: latest?.id ?? null });
}

/** The version that a run refines; undefined for one that began before that was kept. */
export async function baseOfRun(work: Work): Promise<string | null | undefined> {
  const base = (await find(work, "base")) as { artifactId: string | null } | null;
  return base?.artifactId;
}

async function find(work: Work, name: string): Promise<unknown> {
  try {
    return await getJson(keyOf(work, name));
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
}

/** A run that began with other sections than there are now, which it did not keep. */
export function templateChanged(kind: string, section: string): Conflict {
  const what = `${kind} has other sections now than when this run began, such as ${section}. Ask for a new run, without this runId.`;
  return new Conflict("template_changed", what, { kind, section });
}
