import { appendAudit, recordAudits } from "../data/audit.server.ts";
import { projectExists } from "../data/projects.server.ts";
import { saveRepo } from "../data/repos.server.ts";
import { transaction } from "../data/transaction.server.ts";
import { Conflict, CountersignError, InvalidInput, noProjectYet } from "../errors.ts";
import { branchHead, type RepoName } from "../github/branches.ts";
import { isRepositoryName } from "../github/names.ts";
import { type RepositoryFacts, readRepository } from "../github/repository.ts";
import { log } from "../log.ts";

const TIMEOUT_MS = 20_000;
/** Our own name where nobody's is known: the event says what is to be connected, not who wants it. */
const ACTOR = "connect-repo";

export type Connected =
  | {
      readonly outcome: "connected";
      readonly repoId: string;
      readonly created: boolean;
      readonly branch: string;
      /** Null: the repository is empty. */
      readonly headSha: string | null;
    }
  | { readonly outcome: "refused"; readonly code: string; readonly reason: string };

/**
 * Connects a repository to a project: once, by whatever name and however often it is asked for. What can never work (no such
 * repository, not for our token, no such name) is recorded in the project's audit chain and answered.
 * Throws Later for a project that is not there (yet), and what may pass: Unavailable, Later.
 */
export async function connectRepo(wish: {
  readonly projectId: string;
  readonly owner: string;
  readonly name: string;
  readonly eventId: string;
}): Promise<Connected> {
  const { projectId } = wish;
  if (!(await projectExists({ id: projectId }))) throw noProjectYet(projectId);
  let facts: RepositoryFacts;
  let headSha: string | null;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    facts = await readRepository(checkedName(wish), signal);
    headSha = await headOf(facts, signal);
  } catch (error) {
    if (!(error instanceof CountersignError) || error.retry || error.code === "environment")
      throw error;
    return await refuse(wish, error);
  }
  const { repoId, created } = await transaction(async (tx) => {
    if (!(await projectExists({ id: projectId }, tx))) throw noProjectYet(projectId);
    const saved = await saveRepo({ projectId, ...facts }, tx);
    const entry = { projectId, actor: ACTOR, action: "repo.connected", subject: saved.repoId };
    const { owner, name, defaultBranch, htmlUrl } = facts;
    const payload = { owner, name, defaultBranch, htmlUrl, eventId: wish.eventId };
    const key = `repo.connected:${saved.repoId}`;
    await appendAudit({ ...entry, payload, key }, tx);
    return saved;
  });
  return { outcome: "connected", repoId, created, branch: facts.defaultBranch, headSha };
}

async function headOf(facts: RepositoryFacts, signal: AbortSignal): Promise<string | null> {
  try {
    const name = { owner: facts.owner, repo: facts.name };
    return await branchHead(name, facts.defaultBranch, signal);
  } catch (error) {
    // How GitHub says that a repository has no commit yet.
    if (error instanceof Conflict) return null;
    throw error;
  }
}

function checkedName({ owner, name }: { owner: string; name: string }): RepoName {
  if (isRepositoryName({ owner, name })) return { owner, repo: name };
  const what = "Name a repository of GitHub by its owner and its name, without a URL.";
  throw new InvalidInput("bad_repository_name", what);
}

async function refuse(
  wish: { projectId: string; owner: string; name: string; eventId: string },
  { code, message: reason }: CountersignError,
): Promise<Connected> {
  const { projectId, owner, name, eventId } = wish;
  log.warn("repository refused", { projectId, owner, name, code });
  await recordAudits([
    {
      ...{ projectId, actor: ACTOR, action: "repo.refused", subject: `${owner}/${name}` },
      payload: { owner, name, reason: code, detail: reason, eventId },
      key: `repo.refused:${owner}/${name}:${eventId}`,
    },
  ]);
  return { outcome: "refused", code, reason };
}
