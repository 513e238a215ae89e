import { type HookEvent, pullEvent, pushEvent, tell } from "./bodies/events.ts";
import { sizeOf } from "./bodies/pull.ts";
import { isAncestor, moveRef, NO_COMMIT, setHead } from "./git/refs.ts";
import type { Service } from "./service.ts";
import { timestamp } from "./store/database.ts";
import type { PullRow } from "./store/pulls.ts";
import type { RepoRow } from "./store/repos.ts";

interface Change {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
}

type PullChange = Partial<Omit<PullRow, "id" | "repo_id" | "number">>;

/**
 * Makes everything else follow the references of a repository, which git alone keeps: pull requests get new heads, are merged or
 * closed; webhooks are told. What is already followed changes nothing, so a process that died between the two does it at its
 * next start. Call it with the repository's lock.
 * @param login who moved them.
 */
export async function follow(service: Service, repo: RepoRow, login: string): Promise<void> {
  const now = service.refs(repo);
  const known = service.repos.refs(repo.id);
  const changes = changesOf(known, now);
  if (changes.length === 0) return;
  const branch = defaultBranch(repo, known, now);
  if (branch !== repo.default_branch) await setHead(service.dirOf(repo), branch);

  const events: HookEvent[] = [];
  for (const change of changes) {
    events.push(
      await pushEvent(service, { ...repo, default_branch: branch }, { ...change, login }),
    );
  }
  const pulls = new Map<number, PullChange>();
  for (const pull of service.pulls.all(repo.id)) {
    if (pull.state !== "open") continue;
    const followed = await afterChange(service, repo, pull, changes, login);
    if (!followed) continue;
    pulls.set(pull.id, followed.change);
    events.push(followed.event);
  }
  service.db.transaction(() => {
    if (branch !== repo.default_branch) service.repos.setDefaultBranch(repo.id, branch);
    for (const { ref, after } of changes) {
      service.repos.setRef(repo.id, ref, after === NO_COMMIT ? null : after);
    }
    for (const [id, change] of pulls) service.pulls.change(id, change);
    for (const event of events) tell(service, repo, event);
  });
  service.onDelivery();
}

function changesOf(known: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): Change[] {
  const changes: Change[] = [];
  for (const [ref, after] of now) {
    const before = known.get(ref) ?? NO_COMMIT;
    if (before !== after) changes.push({ ref, before, after });
  }
  for (const [ref, before] of known) {
    if (!now.has(ref)) changes.push({ ref, before, after: NO_COMMIT });
  }
  return changes;
}

/** The first branch that is pushed into an empty repository becomes its default one. */
function defaultBranch(
  repo: RepoRow,
  known: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
): string {
  const branches = [...now.keys()].filter((ref) => ref.startsWith("refs/heads/"));
  const first = branches[0]?.slice("refs/heads/".length);
  if (known.size > 0 || first === undefined) return repo.default_branch;
  return now.has(`refs/heads/${repo.default_branch}`) ? repo.default_branch : first;
}

/** What becomes of an open pull request; undefined when nothing that it stands on has changed. */
async function afterChange(
  service: Service,
  repo: RepoRow,
  pull: PullRow,
  changes: readonly Change[],
  login: string,
): Promise<{ change: PullChange; event: HookEvent } | undefined> {
  const dir = service.dirOf(repo);
  const head = changes.find(({ ref }) => ref === `refs/heads/${pull.head_ref}`);
  const base = changes.find(({ ref }) => ref === `refs/heads/${pull.base_ref}`);
  if (!head && !base) return undefined;
  const now = timestamp();
  const ended = (by: string, change: PullChange = {}) =>
    changed("closed", { state: "closed", closed_at: now, ...change }, by);
  const changed = async (action: string, change: PullChange, by: string, moved?: Change) => {
    const after = { ...pull, ...change, updated_at: now };
    const size = await sizeOf(service, repo, after);
    const told = { action, size, login: by, before: moved?.before, after: moved?.after };
    return { change, event: pullEvent(service, repo, { ...told, pull: after }) };
  };

  const headSha = head && head.after !== NO_COMMIT ? head.after : pull.head_sha;
  if (base && base.after !== NO_COMMIT) {
    const { merging_by, merging_sha } = pull;
    if (merging_sha && (await isAncestor(dir, merging_sha, base.after))) {
      const by = merging_by ?? login;
      return await ended(by, { merged_at: now, merged_by: by, merge_sha: merging_sha });
    }
    // Pushed by somebody without us.
    if (await isAncestor(dir, headSha, base.after)) {
      const merged = { merged_at: now, merged_by: login, merge_sha: base.after };
      return await ended(login, { head_sha: headSha, ...merged });
    }
  }
  if (head?.after === NO_COMMIT || base?.after === NO_COMMIT) return await ended(login);
  if (!head) return undefined;
  await moveRef(dir, `refs/pull/${pull.number}/head`, { sha: head.after });
  const baseSha = service.refs(repo).get(`refs/heads/${pull.base_ref}`);
  const change = { head_sha: head.after, base_sha: baseSha ?? pull.base_sha };
  return await changed("synchronize", change, login, head);
}
