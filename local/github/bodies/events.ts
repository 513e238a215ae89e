import { diffFiles } from "../git/diff.ts";
import { type Commit, readCommits } from "../git/objects.ts";
import { commitsBetween, isAncestor, NO_COMMIT } from "../git/refs.ts";
import type { Service } from "../service.ts";
import type { CheckRunRow, StatusRow } from "../store/checks.ts";
import { timestamp } from "../store/database.ts";
import type { PullRow } from "../store/pulls.ts";
import type { RepoRow } from "../store/repos.ts";
import { checkRunBody } from "./checks.ts";
import { commitBody } from "./commit.ts";
import { pullBody, type Size, UNKNOWN } from "./pull.ts";
import { pageOf, repositoryBody } from "./repository.ts";
import { userNamed } from "./user.ts";

/** What a webhook is told. https://docs.github.com/en/webhooks/webhook-events-and-payloads */
export interface HookEvent {
  readonly event: "ping" | "push" | "pull_request" | "check_run" | "status";
  readonly body: object;
}

/** How many commits a push names. */
const PUSHED = 20;

function about(service: Service, repo: RepoRow, login: string) {
  return {
    repository: repositoryBody(service, repo),
    sender: userNamed(service, login),
  };
}

export async function pushEvent(
  service: Service,
  repo: RepoRow,
  change: { ref: string; before: string; after: string; login: string },
): Promise<HookEvent> {
  const { ref, before, after, login } = change;
  const dir = service.dirOf(repo);
  const [created, deleted] = [before === NO_COMMIT, after === NO_COMMIT];
  const from = created ? null : before;
  const shas = deleted ? [] : await commitsBetween(dir, from, after, PUSHED);
  const commits = await readCommits(dir, shas);
  const told = await Promise.all(commits.map((commit) => pushedCommit(service, repo, commit)));
  const user = service.repos.user(login);
  return {
    event: "push",
    body: {
      ref,
      before,
      after,
      created,
      deleted,
      forced: from !== null && !deleted && !(await isAncestor(dir, from, after)),
      base_ref: null,
      compare: `${pageOf(service, repo)}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
      commits: told,
      head_commit: told.at(-1) ?? null,
      pusher: { name: user.login, email: null },
      ...about(service, repo, login),
    },
  };
}

async function pushedCommit(service: Service, repo: RepoRow, commit: Commit) {
  const files = await diffFiles(service.dirOf(repo), commit.parents[0] ?? null, commit.sha);
  const paths = (...of: string[]) =>
    files.filter(({ status }) => of.includes(status)).map(({ path }) => path);
  const person = ({ name, email }: Commit["author"]) => ({ name, email });
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: timestamp(Number.parseInt(commit.committer.when, 10) * 1000),
    url: `${pageOf(service, repo)}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    added: paths("added", "copied", "renamed"),
    removed: paths("removed"),
    modified: paths("modified", "changed"),
  };
}

export function pullEvent(
  service: Service,
  repo: RepoRow,
  told: {
    readonly action: string;
    readonly pull: PullRow;
    readonly size: Size;
    readonly login: string;
    readonly before?: string;
    readonly after?: string;
  },
): HookEvent {
  const { action, pull, size, login, before, after } = told;
  return {
    event: "pull_request",
    body: {
      action,
      number: pull.number,
      pull_request: pullBody(service, repo, pull, { ...UNKNOWN, ...size }),
      ...(before !== undefined && { before, after }),
      ...about(service, repo, login),
    },
  };
}

export function checkRunEvent(
  service: Service,
  repo: RepoRow,
  told: { action: "created" | "completed"; run: CheckRunRow; login: string; branch: string | null },
): HookEvent {
  const { action, run, login, branch } = told;
  const body = checkRunBody(service, repo, run);
  const check_suite = {
    id: run.id,
    head_branch: branch,
    head_sha: run.head_sha,
    status: run.status,
    conclusion: run.conclusion,
    pull_requests: body.pull_requests,
  };
  const check_run = { ...body, check_suite };
  return { event: "check_run", body: { action, check_run, ...about(service, repo, login) } };
}

export function statusEvent(
  service: Service,
  repo: RepoRow,
  {
    status,
    commit,
    refs,
  }: { status: StatusRow; commit: Commit | undefined; refs: ReadonlyMap<string, string> },
): HookEvent {
  const heads = [...refs].filter(([, sha]) => sha === status.sha);
  const { id, sha, context, description, target_url, state, created_at, login } = status;
  return {
    event: "status",
    body: {
      id,
      sha,
      name: `${repo.owner}/${repo.name}`,
      context,
      description,
      target_url,
      state,
      created_at,
      updated_at: created_at,
      commit: commit ? commitBody(service, repo, commit) : null,
      branches: heads
        .filter(([ref]) => ref.startsWith("refs/heads/"))
        .map(([ref]) => ({ name: ref.slice("refs/heads/".length), commit: { sha } })),
      ...about(service, repo, login),
    },
  };
}

/** Queues an event for every hook that wants it; call it in the transaction of what it is about. */
export function tell(service: Service, repo: RepoRow, { event, body }: HookEvent): void {
  const text = JSON.stringify(body);
  const { hooks } = service;
  if (service.serverHook) hooks.enqueue(service.serverHook.id, event, text);
  for (const hook of hooks.ofRepo(repo.id)) {
    const wanted = hook.events.includes(event) || hook.events.includes("*");
    if (hook.active && wanted) hooks.enqueue(hook.id, event, text);
  }
}
