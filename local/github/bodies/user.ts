import type { Service } from "../service.ts";
import type { UserRow } from "../store/repos.ts";

export const nodeId = (kind: string, id: number) => Buffer.from(`${kind}:${id}`).toString("base64");

/** A user as other answers name one. */
export function userBody({ api, origin }: Service, { id, login }: UserRow) {
  const url = `${api}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId("User", id),
    avatar_url: `${origin}/avatars/u/${id}`,
    gravatar_id: "",
    url,
    html_url: `${origin}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: "User",
    user_view_type: "public",
    site_admin: false,
  };
}

/** The user of a login, for an answer. */
export function userNamed(service: Service, login: string) {
  return userBody(service, service.repos.user(login));
}

/** The user whom GitHub knows an address to belong to; null for others. */
export function userOfEmail(service: Service, email: string) {
  const [, login] = /^(?:\d+\+)?([\w-]+)@users\.noreply\.github\.com$/.exec(email) ?? [];
  const user = login === undefined ? undefined : service.repos.knownUser(login);
  return user ? userBody(service, user) : null;
}

export const emailOf = ({ id, login }: UserRow) => `${id}+${login}@users.noreply.github.com`;
