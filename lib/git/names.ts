import { InvalidInput } from "../errors.ts";

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
/** What `git check-ref-format` forbids, and everything that could be taken for an option, a range or a refspec. */
const FORBIDDEN = /[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|\.lock(?:\/|$)|^\/|(?:^|\/)[.-]|[./]$/u;

/** The id of an object as it is. Throws InvalidInput for anything else, such as a branch or an option. */
export function checkedSha(sha: string): string {
  if (SHA.test(sha)) return sha;
  throw new InvalidInput(
    "bad_commit",
    `${shown(sha)} is no id of a commit: give all 40 hexadecimal digits.`,
  );
}

/** A ref's full name, `refs/heads/main` for `main`. Throws InvalidInput for what cannot be the name of one. */
export function checkedRef(ref: string): string {
  const full = ref.startsWith("refs/") ? ref : `refs/heads/${ref}`;
  if (ref !== "" && full.length <= 250 && !FORBIDDEN.test(ref)) return full;
  throw new InvalidInput("bad_ref", `${shown(ref)} is no name of a branch.`);
}

/** A name from outside as a message may show it. */
export function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}
