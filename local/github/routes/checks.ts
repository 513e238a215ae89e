import * as z from "zod";
import { checkRunBody, statusBody } from "../bodies/checks.ts";
import { checkRunEvent, statusEvent, tell } from "../bodies/events.ts";
import { apiOf, repositoryBody } from "../bodies/repository.ts";
import { kindOf, readCommit } from "../git/objects.ts";
import {
  bodyOf,
  type Call,
  callerOf,
  paged,
  param,
  repoToRead,
  repoToWrite,
} from "../http/call.ts";
import { notFound, unprocessable } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import { type CheckRunRow, CONCLUSIONS } from "../store/checks.ts";
import { timestamp } from "../store/database.ts";
import type { RepoRow } from "../store/repos.ts";
import { requiredCommit } from "./resolve.ts";

const newStatus = z.object({
  state: z.enum(["error", "failure", "pending", "success"]),
  context: z.string().min(1).max(255).default("default"),
  description: z.string().max(1000).nullish(),
  target_url: z.string().max(2000).nullish(),
});
const runFields = {
  status: z.enum(["queued", "in_progress", "completed"]).optional(),
  conclusion: z.enum(CONCLUSIONS).optional(),
  started_at: z.iso.datetime().optional(),
  completed_at: z.iso.datetime().optional(),
  external_id: z.string().max(255).optional(),
  details_url: z.string().max(2000).optional(),
  output: z
    .object({
      title: z.string().optional(),
      summary: z.string().max(65_535).optional(),
      text: z.string().max(65_535).optional(),
    })
    .optional(),
};
const newRun = z.object({
  name: z.string().min(1).max(255),
  head_sha: z.string().regex(/^[0-9a-f]{40}$/),
  ...runFields,
});
const changedRun = z.object({ name: z.string().min(1).max(255).optional(), ...runFields });

export const checks: Route[] = [
  route("POST /repos/{owner}/{repo}/statuses/{sha}", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const sha = await knownCommit(call, repo, param(call, "sha"));
    const { description = null, target_url = null, ...body } = await bodyOf(call, newStatus);
    const { login } = callerOf(call);
    const status = { repo_id: repo.id, sha, ...body, description, target_url, login };
    const commit = await readCommit(service.dirOf(repo), sha);
    const refs = service.refs(repo);
    const row = service.db.transaction(() => {
      const made = service.checks.addStatus(status);
      tell(service, repo, statusEvent(service, repo, { status: made, commit, refs }));
      return made;
    });
    service.onDelivery();
    return { status: 201, data: statusBody(service, repo, row) };
  }),

  route("GET /repos/{owner}/{repo}/commits/{ref}/status", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const sha = await requiredCommit(call, repo, param(call, "ref"));
    const latest = service.checks.latestStatuses(repo.id, sha);
    const states = latest.map(({ state }) => state);
    const bad = states.some((state) => state === "error" || state === "failure");
    const pending = states.length === 0 || states.includes("pending");
    const { items, headers } = paged(call, latest);
    const url = `${apiOf(service, repo)}/commits/${sha}`;
    return {
      headers,
      data: {
        state: bad ? "failure" : pending ? "pending" : "success",
        statuses: items.map((status) => statusBody(service, repo, status)),
        sha,
        total_count: latest.length,
        repository: repositoryBody(service, repo, call.caller),
        commit_url: url,
        url: `${url}/status`,
      },
    };
  }),

  route("GET /repos/{owner}/{repo}/commits/{ref}/statuses", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const sha = await requiredCommit(call, repo, param(call, "ref"));
    const { items, headers } = paged(call, service.checks.statuses(repo.id, sha));
    return { headers, data: items.map((status) => statusBody(service, repo, status)) };
  }),

  route("POST /repos/{owner}/{repo}/check-runs", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const body = await bodyOf(call, newRun);
    const head_sha = await knownCommit(call, repo, body.head_sha);
    const fresh: CheckRunRow = {
      ...{ id: 0, repo_id: repo.id, head_sha, name: body.name, status: "queued", conclusion: null },
      ...{ started_at: timestamp(), completed_at: null, external_id: null, details_url: null },
      output: JSON.stringify({ title: null, summary: null, text: null }),
    };
    const row = changed(fresh, body);
    const over = row.status === "completed";
    const actions = over ? (["created", "completed"] as const) : (["created"] as const);
    const run = await announced(call, repo, actions, () => service.checks.addCheckRun(row), row);
    return { status: 201, data: checkRunBody(service, repo, run) };
  }),

  route("PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}", async (call) => {
    const { service } = call;
    const repo = repoToWrite(call);
    const old = service.checks.checkRun(repo.id, Number(param(call, "check_run_id")));
    if (!old) throw notFound();
    const run = changed(old, await bodyOf(call, changedRun));
    const ended = run.status === "completed" && run.conclusion !== old.conclusion;
    const save = () => {
      service.checks.saveCheckRun(run);
      return run;
    };
    await announced(call, repo, ended ? ["completed"] : [], save, run);
    return { data: checkRunBody(service, repo, run) };
  }),

  route("GET /repos/{owner}/{repo}/commits/{ref}/check-runs", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const sha = await requiredCommit(call, repo, param(call, "ref"));
    const { query } = call;
    const seen = new Set<string>();
    const found = service.checks.checkRuns(repo.id, sha).filter(({ name, status }) => {
      const older = seen.has(name);
      seen.add(name);
      if (older && query.get("filter") !== "all") return false;
      if (query.has("check_name") && query.get("check_name") !== name) return false;
      return !query.has("status") || query.get("status") === status;
    });
    const { items, headers } = paged(call, found);
    const check_runs = items.map((run) => checkRunBody(service, repo, run));
    return { headers, data: { total_count: found.length, check_runs } };
  }),
];

/** The run as the body changes it. Throws 422 when it says that a run is over and not how. */
function changed(run: CheckRunRow, body: z.infer<typeof changedRun>): CheckRunRow {
  const { output, conclusion, ...fields } = body;
  // GitHub takes a conclusion to mean that the run is over.
  const status = conclusion ? "completed" : (fields.status ?? run.status);
  const ended = conclusion ?? (status === "completed" ? run.conclusion : null);
  if (status === "completed" && ended === null) {
    throw unprocessable("Invalid request.\n\nA completed check run needs a conclusion.");
  }
  const completed = status === "completed" ? (run.completed_at ?? timestamp()) : null;
  return {
    ...run,
    ...fields,
    status,
    conclusion: ended,
    completed_at: fields.completed_at ?? completed,
    output: output ? JSON.stringify({ ...JSON.parse(run.output), ...output }) : run.output,
  };
}

/** Writes a run, and in the same transaction what webhooks are told of it. */
async function announced(
  call: Call,
  repo: RepoRow,
  actions: readonly ("created" | "completed")[],
  write: () => CheckRunRow,
  { head_sha }: CheckRunRow,
): Promise<CheckRunRow> {
  const { service } = call;
  const { login } = callerOf(call);
  const heads = [...service.refs(repo)].find(
    ([ref, sha]) => sha === head_sha && ref.startsWith("refs/heads/"),
  );
  const branch = heads?.[0].slice("refs/heads/".length) ?? null;
  const run = service.db.transaction(() => {
    const written = write();
    for (const action of actions) {
      tell(service, repo, checkRunEvent(service, repo, { action, run: written, login, branch }));
    }
    return written;
  });
  service.onDelivery();
  return run;
}

async function knownCommit(call: Call, repo: RepoRow, sha: string): Promise<string> {
  const kind = await kindOf(call.service.dirOf(repo), sha);
  if (kind?.type === "commit") return sha;
  throw unprocessable(`No commit found for SHA: ${sha}`);
}
