import { InvalidInput } from "../errors.ts";

const NAME = /^[A-Za-z0-9-]{1,60}$/;

/** A sandbox's name as it is. Throws InvalidInput when it could be anything but one plain file name. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  const what = "A sandbox is named with 1 to 60 letters, digits and dashes.";
  throw new InvalidInput("sandbox_name", what, { name: name.slice(0, 100) });
}

/**
 * Whether this names something below a work tree in one way only: relative, `/` between segments that are neither empty nor
 * `.` nor `..`, no NUL, and nothing of git's own (`.git` in any case), so that no git of the host reads what came from inside.
 */
export function isWorkPath(path: string): boolean {
  if (path === "" || Buffer.byteLength(path) > 4000 || path.includes("\0")) return false;
  return path.split("/").every((segment) => {
    const plain = segment !== "" && segment !== "." && segment !== "..";
    return plain && segment.toLowerCase() !== ".git" && Buffer.byteLength(segment) <= 255;
  });
}

/** A path of a work tree as it is. Throws InvalidInput for one that {@link isWorkPath} refuses. */
export function checkWorkPath(path: string): string {
  if (isWorkPath(path)) return path;
  const what =
    "A file of a work tree is named relative to its top, with / and without . .. and .git.";
  throw new InvalidInput("sandbox_path", what, { path: path.slice(0, 200) });
}
