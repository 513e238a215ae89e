import type { Service } from "../service.ts";
import type { CheckRunRow, Protection, StatusRow } from "../store/checks.ts";
import type { RepoRow } from "../store/repos.ts";
import { apiOf, pageOf } from "./repository.ts";
import { nodeId, userNamed } from "./user.ts";

export function statusBody(service: Service, repo: RepoRow, status: StatusRow) {
  const creator = userNamed(service, status.login);
  return {
    url: `${apiOf(service, repo)}/statuses/${status.sha}`,
    avatar_url: creator.avatar_url,
    id: status.id,
    node_id: nodeId("StatusContext", status.id),
    state: status.state,
    description: status.description,
    target_url: status.target_url,
    context: status.context,
    created_at: status.created_at,
    updated_at: status.created_at,
    creator,
  };
}

export function checkRunBody(service: Service, repo: RepoRow, run: CheckRunRow) {
  const url = `${apiOf(service, repo)}/check-runs/${run.id}`;
  const html = `${pageOf(service, repo)}/runs/${run.id}`;
  const output: Record<"title" | "summary" | "text", string | null> = JSON.parse(run.output);
  const pulls = service.pulls
    .all(run.repo_id)
    .filter(({ state, head_sha }) => state === "open" && head_sha === run.head_sha);
  const side = { id: repo.id, url: apiOf(service, repo), name: repo.name };
  return {
    id: run.id,
    head_sha: run.head_sha,
    node_id: nodeId("CheckRun", run.id),
    external_id: run.external_id,
    url,
    html_url: html,
    details_url: run.details_url ?? html,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.started_at,
    completed_at: run.completed_at,
    output: { ...output, annotations_count: 0, annotations_url: `${url}/annotations` },
    name: run.name,
    check_suite: { id: run.id },
    app: null,
    pull_requests: pulls.map((pull) => ({
      id: pull.id,
      number: pull.number,
      url: `${apiOf(service, repo)}/pulls/${pull.number}`,
      head: { ref: pull.head_ref, sha: pull.head_sha, repo: side },
      base: { ref: pull.base_ref, sha: pull.base_sha, repo: side },
    })),
  };
}

/** The statuses and checks that a branch demands, as branches and their protection have them. */
export function requiredBody(url: string, { strict, contexts }: Protection) {
  const required = `${url}/required_status_checks`;
  return {
    url: required,
    strict,
    contexts: [...contexts],
    contexts_url: `${required}/contexts`,
    checks: contexts.map((context) => ({ context, app_id: null })),
  };
}
