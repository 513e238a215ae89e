import { InvalidInput } from "../../errors.ts";
import { readFiles } from "../../git/blobs.ts";
import { isPlain, listTree } from "../../git/tree.ts";
import { isSecretPath } from "../../repos/choose.ts";

/** A larger one is nothing that a model could look through. */
const MAX_ENTRIES = 50_000;
/** A larger file is not shown; git and people read those too. */
const MAX_FILE_BYTES = 1024 * 1024;

interface BaseFile {
  readonly sha: string;
  readonly size: number;
  /** Neither a link nor a submodule. */
  readonly plain: boolean;
}

/** The commit that a draft starts from, to be read: its paths in memory, its contents when they are asked for. */
export class Base {
  readonly #dir: string;
  readonly #files: ReadonlyMap<string, BaseFile>;
  readonly #folders: ReadonlySet<string>;

  private constructor(dir: string, files: ReadonlyMap<string, BaseFile>) {
    this.#dir = dir;
    this.#files = files;
    this.#folders = new Set([...files.keys()].flatMap(foldersOf));
  }

  /** Paths that must not be used are left out. Throws InvalidInput for more than 50,000 files. */
  static async of(dir: string, commitSha: string): Promise<Base> {
    const files = new Map<string, BaseFile>();
    for await (const { path, mode, sha, size, refused } of listTree(dir, commitSha)) {
      if (refused) continue;
      files.set(path, { sha, size: size ?? 0, plain: isPlain(mode) });
      if (files.size <= MAX_ENTRIES) continue;
      const what = `The repository has more than ${MAX_ENTRIES} files: say the change as files or as a diff.`;
      throw new InvalidInput("repository_too_large", what);
    }
    return new Base(dir, files);
  }

  get(path: string): BaseFile | undefined {
    return this.#files.get(path);
  }

  isFolder(path: string): boolean {
    return this.#folders.has(path);
  }

  /** In git's order. */
  paths(): IterableIterator<string> {
    return this.#files.keys();
  }

  /** The text of a plain file; null when it is larger than 1 MB, no text, or there to hold secrets. */
  async text(path: string): Promise<string | null> {
    for await (const { text } of this.texts([path])) return text;
    return null;
  }

  /** The same of several, through one process, in their order. Those that are not plain, too large or there to hold secrets are left out. */
  async *texts(paths: Iterable<string>): AsyncGenerator<{ path: string; text: string | null }> {
    const wanted = [...paths].flatMap((path) => {
      const file = this.#files.get(path);
      if (!file?.plain || file.size > MAX_FILE_BYTES || isSecretPath(path)) return [];
      return { path, sha: file.sha };
    });
    if (wanted.length === 0) return;
    const limit = { maxBytes: MAX_FILE_BYTES };
    for await (const { file, bytes } of readFiles(this.#dir, wanted, limit)) {
      yield { path: file.path, text: bytes === null ? null : textIn(bytes) };
    }
  }
}

/** The folders that a path lies in, outermost first. */
export function foldersOf(path: string): string[] {
  const names = path.split("/");
  return names.slice(1).map((_, at) => names.slice(0, at + 1).join("/"));
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textIn(bytes: Buffer): string | null {
  if (bytes.includes(0)) return null;
  try {
    return utf8.decode(bytes);
  } catch {
    // Not UTF-8: what would be written back is not what was there.
    return null;
  }
}
