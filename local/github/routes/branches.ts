import * as z from "zod";
import { requiredBody } from "../bodies/checks.ts";
import { commitBody } from "../bodies/commit.ts";
import { apiOf, pageOf } from "../bodies/repository.ts";
import { readCommit } from "../git/objects.ts";
import {
  bodyOf,
  type Call,
  paged,
  param,
  refsSeen,
  repoToRead,
  repoToWrite,
} from "../http/call.ts";
import { notImplemented, Refusal } from "../http/errors.ts";
import { type Route, route } from "../http/route.ts";
import type { Protection } from "../store/checks.ts";
import type { RepoRow } from "../store/repos.ts";

const newProtection = z.object({
  required_status_checks: z
    .object({
      strict: z.boolean(),
      contexts: z.array(z.string().min(1).max(200)).max(100).optional(),
      checks: z
        .array(z.object({ context: z.string().min(1).max(200) }))
        .max(100)
        .optional(),
    })
    .nullable(),
  enforce_admins: z.boolean().nullable(),
  required_pull_request_reviews: z.unknown(),
  restrictions: z.unknown(),
});

export const branches: Route[] = [
  route("GET /repos/{owner}/{repo}/branches", async (call) => {
    const repo = repoToRead(call);
    const api = apiOf(call.service, repo);
    const wanted = call.query.get("protected");
    const all = [...branchesSeen(call, repo)].flatMap(([name, sha]) => {
      const locked = call.service.checks.protection(repo.id, name) !== undefined;
      if (wanted !== null && wanted !== String(locked)) return [];
      return [{ name, commit: { sha, url: `${api}/commits/${sha}` }, protected: locked }];
    });
    const { items, headers } = paged(call, all);
    return { data: items, headers };
  }),

  route("GET /repos/{owner}/{repo}/branches/{branch}/protection", async (call) => {
    const repo = repoToRead(call);
    const { name } = branchAsked(call, repo);
    const protection = call.service.checks.protection(repo.id, name);
    if (!protection) throw new Refusal(404, "Branch not protected");
    return { data: protectionBody(call, repo, name, protection) };
  }),

  route("PUT /repos/{owner}/{repo}/branches/{branch}/protection", async (call) => {
    const repo = repoToWrite(call);
    const { name } = branchAsked(call, repo);
    const body = await bodyOf(call, newProtection);
    if (body.required_pull_request_reviews) throw notImplemented("required reviews");
    if (body.restrictions) throw notImplemented("who may push");
    const { strict = false, contexts = [], checks = [] } = body.required_status_checks ?? {};
    const names = new Set([...contexts, ...checks.map(({ context }) => context)]);
    const enforceAdmins = body.enforce_admins ?? false;
    const protection = { strict, contexts: [...names], enforceAdmins };
    call.service.checks.protect(repo.id, name, protection);
    return { data: protectionBody(call, repo, name, protection) };
  }),

  route("GET /repos/{owner}/{repo}/branches/{branch}", async (call) => {
    const { service } = call;
    const repo = repoToRead(call);
    const { name, sha } = branchAsked(call, repo);
    const commit = await readCommit(service.dirOf(repo), sha);
    if (!commit) throw new Error(`${sha} is gone`);
    const self = branchUrl(call, repo, name);
    const protection = service.checks.protection(repo.id, name);
    const required = protection ?? { strict: false, contexts: [], enforceAdmins: false };
    const { contexts, checks } = requiredBody(`${self}/protection`, required);
    const level = !protection ? "off" : protection.enforceAdmins ? "everyone" : "non_admins";
    return {
      data: {
        name,
        commit: commitBody(service, repo, commit),
        _links: { self, html: `${pageOf(service, repo)}/tree/${name}` },
        protected: protection !== undefined,
        protection: {
          enabled: protection !== undefined,
          required_status_checks: { enforcement_level: level, contexts, checks },
        },
        protection_url: `${self}/protection`,
      },
    };
  }),
];

const HEADS = "refs/heads/";

function branchesSeen(call: Call, repo: RepoRow): Map<string, string> {
  const refs = [...refsSeen(call, repo)];
  const heads = refs.filter(([ref]) => ref.startsWith(HEADS));
  return new Map(heads.map(([ref, sha]) => [ref.slice(HEADS.length), sha]));
}

/** The branch of the route. Throws 404. */
function branchAsked(call: Call, repo: RepoRow): { name: string; sha: string } {
  const name = param(call, "branch");
  const sha = branchesSeen(call, repo).get(name);
  if (sha === undefined) throw new Refusal(404, "Branch not found");
  return { name, sha };
}

const branchUrl = (call: Call, repo: RepoRow, name: string) =>
  `${apiOf(call.service, repo)}/branches/${encodeURIComponent(name)}`;

function protectionBody(call: Call, repo: RepoRow, name: string, protection: Protection) {
  const url = `${branchUrl(call, repo, name)}/protection`;
  return {
    url,
    required_status_checks: requiredBody(url, protection),
    enforce_admins: { url: `${url}/enforce_admins`, enabled: protection.enforceAdmins },
    required_linear_history: { enabled: false },
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
    block_creations: { enabled: false },
    required_conversation_resolution: { enabled: false },
    lock_branch: { enabled: false },
    allow_fork_syncing: { enabled: false },
  };
}
