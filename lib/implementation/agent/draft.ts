import * as z from "zod";
import { getJson } from "../../blob/json.ts";
import { checkKey, projectPrefix } from "../../blob/port.ts";
import { sha256 } from "../../canonical.ts";
import type { FileChange } from "../../git/patch.ts";
import { putProjectJson } from "../../projects/blobs.ts";
import { fact, type RunIds } from "../work.ts";

export const MAX_DRAFT_FILES = 100;
export const MAX_DRAFT_BYTES = 200_000;

/** A file of a draft; `sha` names its text, null removes the file. */
const entrySchema = z.strictObject({ path: z.string(), sha: z.string().nullable() });
export const draftSchema = z.array(entrySchema).max(MAX_DRAFT_FILES);
export type DraftEntry = z.infer<typeof entrySchema>;

/** Where a run keeps what belongs to its draft. */
export function draftKey({ projectId, runId }: RunIds, name: string): string {
  return checkKey(`${projectPrefix(projectId)}/runs/${runId}/draft/${name}.json`);
}

/** The step of a run that is one turn of the model. */
export const turnStep = (turn: number) => `draft/turn-${turn}`;

/**
 * Keeps what a turn leaves, named for its content: of two tries that work at once neither writes over the other's, and the next
 * turn starts from what that one left which is on record. Returns its name, for the record.
 */
export async function putState(ids: RunIds, turn: number, state: unknown): Promise<string> {
  const name = `conversation-${turn}-${sha256(JSON.stringify(state))}`;
  await putProjectJson(ids.projectId, draftKey(ids, name), state);
  return name;
}

/** Of turns that were made before states were named on record, the name is that of their number. */
const recordSchema = z.object({ state: z.string().optional() });

/** What a turn left. Throws InvalidInput (`phase_missing`) before it is on record. */
export async function stateAfter(ids: RunIds, turn: number): Promise<unknown> {
  const { state } = await fact(ids.runId, turnStep(turn), recordSchema);
  return await getJson(draftKey(ids, state ?? `conversation-${turn}`));
}

/**
 * What a model has changed so far. Texts are blobs named for their content, written at once: a turn that is killed leaves some
 * that nothing names, and no draft with half a change.
 */
export class Draft {
  readonly #ids: RunIds;
  readonly #files: Map<string, string | null>;

  constructor(ids: RunIds, entries: readonly DraftEntry[]) {
    this.#ids = ids;
    this.#files = new Map(entries.map(({ path, sha }) => [path, sha]));
  }

  /** By path, so that the same draft is the same text. */
  get entries(): DraftEntry[] {
    const paths = [...this.#files.keys()].sort();
    return paths.map((path) => ({ path, sha: this.#files.get(path) ?? null }));
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Whether another path fits. */
  hasRoomFor(path: string): boolean {
    return this.#files.has(path) || this.#files.size < MAX_DRAFT_FILES;
  }

  /** The text of a file that {@link has}; null when it is removed. */
  async text(path: string): Promise<string | null> {
    const sha = this.#files.get(path) ?? null;
    if (sha === null) return null;
    return z.string().parse(await getJson(draftKey(this.#ids, `files/${sha}`)));
  }

  async write(path: string, text: string): Promise<void> {
    const sha = sha256(text);
    await putProjectJson(this.#ids.projectId, draftKey(this.#ids, `files/${sha}`), text);
    this.#files.set(path, sha);
  }

  /** @param inBase whether the repository has it: otherwise there is nothing to be removed there */
  remove(path: string, inBase: boolean): void {
    if (inBase) this.#files.set(path, null);
    else this.#files.delete(path);
  }

  async changes(): Promise<FileChange[]> {
    const changes: FileChange[] = [];
    for (const { path } of this.entries) {
      const text = await this.text(path);
      changes.push({ path, bytes: text === null ? null : Buffer.from(text, "utf8") });
    }
    return changes;
  }
}
