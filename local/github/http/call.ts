import type * as z from "zod";
import type { Service } from "../service.ts";
import type { PullRow } from "../store/pulls.ts";
import type { Caller, RepoRow } from "../store/repos.ts";
import { notFound, Refusal, unprocessable } from "./errors.ts";

/** One request to the REST API. */
export interface Call {
  readonly service: Service;
  /** Null: no token came with it. */
  readonly caller: Caller | null;
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The address without its query. */
  readonly url: string;
  readonly accept: string;
  readonly body: () => Promise<unknown>;
}

/** Whoever asks. Throws 401 for nobody. */
export function callerOf({ caller }: Call): Caller {
  if (!caller) throw new Refusal(401, "Requires authentication");
  return caller;
}

/** A parameter of the route. */
export function param({ params }: Call, name: string): string {
  const value = params[name];
  if (value === undefined) throw notFound();
  return value;
}

/** The body in the form that `schema` says. Throws 400 for what is no JSON, 422 for another form. */
export async function bodyOf<T extends z.ZodType>(call: Call, schema: T): Promise<z.infer<T>> {
  const result = schema.safeParse(await call.body());
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue?.path.join("/");
  throw unprocessable(`Invalid request.\n\n${at ? `"${at}": ` : ""}${issue?.message}`);
}

/** The repository of the route, when the caller may see it. Throws 404. */
export function repoToRead(call: Call): RepoRow {
  const repo = call.service.repos.find(param(call, "owner"), param(call, "repo"));
  if (!repo || !maySee(call.caller, repo)) throw notFound();
  return repo;
}

/** The repository of the route, when the caller may change it. Throws 401, 403, 404. */
export function repoToWrite(call: Call): RepoRow {
  const repo = repoToRead(call);
  if (callerOf(call).permission === "write") return repo;
  throw new Refusal(403, "Resource not accessible by personal access token");
}

export function maySee(caller: Caller | null, { owner, name, private: hidden }: RepoRow): boolean {
  if (!caller) return hidden === 0;
  return caller.repos === null || caller.repos.includes(`${owner}/${name}`.toLowerCase());
}

/** What a reader sees: everything, or what was there before a fault that delays reads. */
export function refsSeen(call: Call, repo: RepoRow): ReadonlyMap<string, string> {
  return staleOf(call, repo)?.refs ?? call.service.refs(repo);
}

/** The pull requests that a reader sees, oldest first. */
export function pullsSeen(call: Call, repo: RepoRow): readonly PullRow[] {
  return staleOf(call, repo)?.pulls ?? call.service.pulls.all(repo.id);
}

export function pullSeen(call: Call, repo: RepoRow): PullRow {
  const number = Number(param(call, "pull_number"));
  const pull = pullsSeen(call, repo).find((one) => one.number === number);
  if (!pull) throw notFound();
  return pull;
}

function staleOf({ service, method }: Call, repo: RepoRow) {
  return method === "GET" ? service.stale(repo) : undefined;
}

/** How large a page is, and which. Values that make no sense are taken as GitHub does: the default, or the next that does. */
export function pageOf({ query }: Call, size = 30): { page: number; perPage: number } {
  const number = (name: string, otherwise: number) => {
    const value = Number(query.get(name));
    return Number.isInteger(value) && value > 0 ? value : otherwise;
  };
  return { page: number("page", 1), perPage: Math.min(100, number("per_page", size)) };
}

/** One page of the items, with the `Link` header that leads to the others. */
export function paged<T>(
  call: Call,
  items: readonly T[],
): { items: T[]; headers: Record<string, string> } {
  const { page, perPage } = pageOf(call);
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const link = (to: number, rel: string) => {
    const query = new URLSearchParams(call.query);
    query.set("page", String(to));
    return `<${call.url}?${query}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, "prev")] : []),
    ...(page < last ? [link(page + 1, "next"), link(last, "last")] : []),
    ...(page > 1 ? [link(1, "first")] : []),
  ];
  return {
    items: items.slice((page - 1) * perPage, page * perPage),
    headers: links.length > 0 ? { link: links.join(", ") } : {},
  };
}
