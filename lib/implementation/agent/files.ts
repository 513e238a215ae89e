import { isSecretPath } from "../../repos/choose.ts";
import { path as pathSchema } from "../input.ts";
import { type Base, foldersOf } from "./base.ts";
import { type Draft, MAX_DRAFT_BYTES, MAX_DRAFT_FILES } from "./draft.ts";
import { bringsSecret } from "./secrets.ts";

/** Either what was wanted, or what is wrong, in words that a model can act on. */
export type Answer<T> = T | { readonly problem: string };

/** The repository as the draft leaves it: the draft's version of a file where it has one, else the base's. */
export class Files {
  readonly #base: Base;
  readonly #draft: Draft;

  constructor(base: Base, draft: Draft) {
    this.#base = base;
    this.#draft = draft;
  }

  /** Paths below a folder, or with this beginning, sorted. */
  list(prefix: string): string[] {
    const all = new Set(this.#base.paths());
    for (const { path, sha } of this.#draft.entries) {
      if (sha === null) all.delete(path);
      else all.add(path);
    }
    return [...all].filter((path) => path.startsWith(prefix)).sort();
  }

  async read(path: string): Promise<Answer<{ text: string }>> {
    const text = this.#draft.has(path) ? await this.#draft.text(path) : await this.#base.text(path);
    if (text !== null) return { text };
    if (this.#draft.has(path)) return { problem: "The file is removed in the draft." };
    if (this.#isFolder(path)) return { problem: "That is a folder: list_files shows it." };
    if (!this.#base.get(path)) return { problem: "There is no such file: list_files shows them." };
    if (isSecretPath(path))
      return { problem: "The file is there to hold secrets: it is not shown." };
    return { problem: "The file is a link, a submodule, larger than 1 MB, or no UTF-8 text." };
  }

  /** The texts of files, those of the draft first, until the caller has enough. */
  async *texts(paths: readonly string[]): AsyncGenerator<{ path: string; text: string }> {
    const drafted = paths.filter((path) => this.#draft.has(path));
    for (const path of drafted) yield { path, text: (await this.#draft.text(path)) ?? "" };
    const others = paths.filter((path) => !this.#draft.has(path));
    for await (const { path, text } of this.#base.texts(others)) {
      if (text !== null) yield { path, text };
    }
  }

  /** Writes a whole file. Nothing is written when there is a problem. */
  async write(path: string, text: string): Promise<Answer<{ bytes: number }>> {
    const problem = await this.#writeProblem(path, text);
    if (problem !== null) return { problem };
    await this.#draft.write(path, text);
    return { bytes: Buffer.byteLength(text) };
  }

  async remove(path: string): Promise<Answer<{ removed: string }>> {
    const there = await this.read(path);
    const inBase = this.#base.get(path);
    // A file that cannot be shown can still go; a link cannot.
    if ("problem" in there && (this.#draft.has(path) || !inBase?.plain)) return there;
    if (!this.#draft.hasRoomFor(path)) return { problem: TOO_MANY };
    this.#draft.remove(path, inBase !== undefined);
    return { removed: path };
  }

  async #writeProblem(path: string, text: string): Promise<string | null> {
    if (!pathSchema.safeParse(path).success) return "That is no path inside the repository.";
    if (!text.isWellFormed() || text.includes("\0")) return "The text must be Unicode without NUL.";
    if (Buffer.byteLength(text) > MAX_DRAFT_BYTES) {
      return `A file has at most ${MAX_DRAFT_BYTES} bytes here.`;
    }
    if (!this.#draft.hasRoomFor(path)) return TOO_MANY;
    const before = this.#base.get(path);
    if (before && !before.plain) return "The path is a link or a submodule: it cannot be changed.";
    if (this.#isFolder(path)) return "The path is a folder.";
    const above = foldersOf(path).find((folder) => this.#isFile(folder));
    if (above !== undefined) return `${above} is a file: nothing can be below it.`;
    const now = await this.read(path);
    // Otherwise a file that the model cannot have seen would be lost.
    if ("problem" in now && before && !this.#draft.has(path)) return now.problem;
    if (bringsSecret("problem" in now ? "" : now.text, text)) {
      return "The text holds what looks like a secret, or [redacted:…] in place of one: a change must not carry one. Read secrets from the environment.";
    }
    return null;
  }

  #isFile(path: string): boolean {
    const entry = this.#draft.entries.find((one) => one.path === path);
    return entry ? entry.sha !== null : this.#base.get(path) !== undefined;
  }

  #isFolder(path: string): boolean {
    const below = `${path}/`;
    if (this.#draft.entries.some(({ path, sha }) => sha !== null && path.startsWith(below)))
      return true;
    return this.#base.isFolder(path) && this.list(below).length > 0;
  }
}

const TOO_MANY = `A change has at most ${MAX_DRAFT_FILES} files.`;
