import { emailOf } from "../bodies/user.ts";
import { kindOf, type Person, readCommit } from "../git/objects.ts";
import { peeled } from "../git/refs.ts";
import { type Call, refsSeen } from "../http/call.ts";
import { notFound, Refusal, unprocessable } from "../http/errors.ts";
import type { RepoRow } from "../store/repos.ts";

/** The commit that a branch, tag, full reference or commit id stands for; undefined when there is none. */
export async function commitOf(
  call: Call,
  repo: RepoRow,
  name: string,
): Promise<string | undefined> {
  const dir = call.service.dirOf(repo);
  const refs = refsSeen(call, repo);
  for (const ref of [name, `refs/${name}`, `refs/heads/${name}`, `refs/tags/${name}`]) {
    const sha = refs.get(ref);
    if (sha !== undefined) return ref.startsWith("refs/heads/") ? sha : await peeled(dir, sha);
  }
  if (!/^[0-9a-f]{7,40}$/.test(name)) return undefined;
  return await peeled(dir, name);
}

/** The same for a route that names a commit. Throws 409 in an empty repository, 422 for a commit id and 404 for a name without one. */
export async function requiredCommit(call: Call, repo: RepoRow, name: string): Promise<string> {
  const sha = await commitOf(call, repo, name);
  if (sha !== undefined) return sha;
  await notEmpty(call, repo);
  throw /^[0-9a-f]{40}$/.test(name)
    ? unprocessable(`No commit found for SHA: ${name}`)
    : notFound();
}

/** Throws 409 as long as nothing was pushed. */
export async function notEmpty(call: Call, repo: RepoRow): Promise<void> {
  const refs = call.service.refs(repo);
  if (refs.size === 0) throw new Refusal(409, "Git Repository is empty.");
}

/** The tree of a tree's or a commit's id; undefined when it is neither. */
export async function treeOf(call: Call, repo: RepoRow, sha: string): Promise<string | undefined> {
  const dir = call.service.dirOf(repo);
  const kind = await kindOf(dir, sha);
  if (kind?.type === "tree") return sha;
  const commit = kind?.type === "commit" ? await readCommit(dir, sha) : undefined;
  return commit?.tree;
}

/** Who makes a commit when nothing else is said: the caller, now. */
export function personOf({ service }: Call, login: string): Person {
  const user = service.repos.user(login);
  return { name: user.login, email: emailOf(user), when: now() };
}

/** GitHub itself, which commits what is done on its pages. */
export const GITHUB = (): Person => ({ name: "GitHub", email: "noreply@github.com", when: now() });

const now = () => `${Math.floor(Date.now() / 1000)} +0000`;

/** A person as a body names one. Throws 422 for a date that is none. */
export function given(
  person: { name: string; email: string; date?: string | undefined } | undefined,
  otherwise: Person,
): Person {
  if (!person) return otherwise;
  const { name, email, date } = person;
  if (date === undefined) return { name, email, when: otherwise.when };
  const ms = Date.parse(date);
  if (Number.isNaN(ms)) throw unprocessable(`"${date}" is not a date`);
  return { name, email, when: `${Math.floor(ms / 1000)} +0000` };
}
