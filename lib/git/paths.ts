/** Why a path of a repository must not be used as one. */
export type PathProblem = "invalid_utf8" | "path_too_long" | "unsafe_path";

/** What a file system takes: bytes of a name, and of a whole path. */
const MAX_NAME = 255;
const MAX_PATH = 4096;

/** What HFS+ leaves out of a name, so that `.g\u200cit` is `.git` there. */
const IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/gu;
/** Names that some file system takes for `.git`: in any case, its short name, with trailing dots, blanks or a stream. */
const DOT_GIT = /^(?:\.git|git~\d+)[ .]*(?:::?.*)?$/iu;
const CONTROL = /\p{Cc}/u;

/**
 * Why a path, relative to the root of a repository and with slashes, must not be used; null when it may. Refused is what
 * leaves the root, what git itself would read, what no file system takes, and what would break a line of a log.
 */
export function pathProblem(path: string): PathProblem | null {
  const names = path.split("/");
  if (Buffer.byteLength(path) > MAX_PATH) return "path_too_long";
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME)) return "path_too_long";
  if (CONTROL.test(path) || names.some(isUnsafe)) return "unsafe_path";
  return null;
}

function isUnsafe(name: string): boolean {
  return (
    name === "" ||
    name === "." ||
    name === ".." ||
    // On Windows a separator too.
    name.split("\\").some((part) => DOT_GIT.test(part.replace(IGNORED, "")) || part === "..")
  );
}
