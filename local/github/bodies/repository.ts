import type { Service } from "../service.ts";
import type { Caller, RepoRow } from "../store/repos.ts";
import { nodeId, userNamed } from "./user.ts";

export const apiOf = ({ api }: Service, { owner, name }: RepoRow) =>
  `${api}/repos/${owner}/${name}`;
export const pageOf = ({ origin }: Service, { owner, name }: RepoRow) =>
  `${origin}/${owner}/${name}`;

/** A repository as all answers have it. */
export function repositoryBody(service: Service, repo: RepoRow, caller: Caller | null = null) {
  const { id, owner, name } = repo;
  const url = apiOf(service, repo);
  const html = pageOf(service, repo);
  const push = caller?.permission === "write";
  const open = service.pulls.all(id).filter(({ state }) => state === "open").length;
  return {
    id,
    node_id: nodeId("Repository", id),
    name,
    full_name: `${owner}/${name}`,
    owner: userNamed(service, owner),
    private: repo.private === 1,
    visibility: repo.private === 1 ? "private" : "public",
    html_url: html,
    description: repo.description,
    fork: false,
    url,
    ...urls(url),
    git_url: `git://${html.replace(/^https?:\/\//, "")}.git`,
    ssh_url: `ssh://git@${html.replace(/^https?:\/\//, "")}.git`,
    clone_url: `${html}.git`,
    svn_url: html,
    mirror_url: null,
    homepage: null,
    language: null,
    forks_count: 0,
    forks: 0,
    network_count: 0,
    stargazers_count: 0,
    watchers_count: 0,
    watchers: 0,
    subscribers_count: 0,
    open_issues_count: open,
    open_issues: open,
    size: 0,
    default_branch: repo.default_branch,
    is_template: false,
    topics: [],
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    archived: false,
    disabled: false,
    license: null,
    created_at: repo.created_at,
    updated_at: repo.pushed_at,
    pushed_at: repo.pushed_at,
    permissions: { admin: push, maintain: push, push, triage: push, pull: true },
    allow_merge_commit: true,
    allow_squash_merge: true,
    allow_rebase_merge: true,
    allow_auto_merge: false,
    allow_update_branch: false,
    delete_branch_on_merge: false,
    allow_forking: false,
    web_commit_signoff_required: false,
  };
}

function urls(url: string) {
  return {
    archive_url: `${url}/{archive_format}{/ref}`,
    assignees_url: `${url}/assignees{/user}`,
    blobs_url: `${url}/git/blobs{/sha}`,
    branches_url: `${url}/branches{/branch}`,
    collaborators_url: `${url}/collaborators{/collaborator}`,
    comments_url: `${url}/comments{/number}`,
    commits_url: `${url}/commits{/sha}`,
    compare_url: `${url}/compare/{base}...{head}`,
    contents_url: `${url}/contents/{+path}`,
    contributors_url: `${url}/contributors`,
    deployments_url: `${url}/deployments`,
    downloads_url: `${url}/downloads`,
    events_url: `${url}/events`,
    forks_url: `${url}/forks`,
    git_commits_url: `${url}/git/commits{/sha}`,
    git_refs_url: `${url}/git/refs{/sha}`,
    git_tags_url: `${url}/git/tags{/sha}`,
    hooks_url: `${url}/hooks`,
    issue_comment_url: `${url}/issues/comments{/number}`,
    issue_events_url: `${url}/issues/events{/number}`,
    issues_url: `${url}/issues{/number}`,
    keys_url: `${url}/keys{/key_id}`,
    labels_url: `${url}/labels{/name}`,
    languages_url: `${url}/languages`,
    merges_url: `${url}/merges`,
    milestones_url: `${url}/milestones{/number}`,
    notifications_url: `${url}/notifications{?since,all,participating}`,
    pulls_url: `${url}/pulls{/number}`,
    releases_url: `${url}/releases{/id}`,
    stargazers_url: `${url}/stargazers`,
    statuses_url: `${url}/statuses/{sha}`,
    subscribers_url: `${url}/subscribers`,
    subscription_url: `${url}/subscription`,
    tags_url: `${url}/tags`,
    teams_url: `${url}/teams`,
    trees_url: `${url}/git/trees{/sha}`,
  };
}
