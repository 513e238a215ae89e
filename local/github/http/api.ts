import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { struck } from "../../faults.ts";
import { branches } from "../routes/branches.ts";
import { checks } from "../routes/checks.ts";
import { commits } from "../routes/commits.ts";
import { contents, rootContents } from "../routes/contents.ts";
import { gitData } from "../routes/git-data.ts";
import { hooks } from "../routes/hooks.ts";
import { merging } from "../routes/merge.ts";
import { pulls } from "../routes/pulls.ts";
import { references } from "../routes/refs.ts";
import { repositories } from "../routes/repositories.ts";
import type { Service } from "../service.ts";
import type { Caller } from "../store/repos.ts";
import { authenticate } from "./auth.ts";
import type { Call } from "./call.ts";
import { notImplemented, Refusal } from "./errors.ts";
import { rateHeaders } from "./rate.ts";
import { type Answer, type Route, route } from "./route.ts";

const rateLimit = route("GET /rate_limit", async ({ service, caller }) => {
  const rate = service.rates.of(caller?.login ?? "");
  return { data: { resources: { core: rate, search: rate }, rate } };
});

const ROUTES: readonly Route[] = [
  rateLimit,
  ...[...repositories, ...gitData, ...references, rootContents, ...contents],
  ...[...branches, ...checks, ...commits, ...merging, ...pulls, ...hooks],
];

/** Routes that would otherwise be taken for a branch or a commit with slashes in its name. */
const BEHIND_A_NAME =
  /^\/repos\/[^/]+\/[^/]+\/(commits\/.+\/(pulls|comments|check-suites|branches-where-head)|branches\/.+\/(protection\/.+|rename))$/;

/** Asking for it is free. */
const RATE_LIMIT_PATH = "/rate_limit";
const PREFIX = "/api/v3";
const FAILED = { before: 502, after: 502, error500: 500 } as const;

/** Answers one request to the REST API: who asks, what fault strikes it, which route it is, and how its answer looks over HTTP. */
export async function answerApi(
  service: Service,
  request: Request,
  incoming: IncomingMessage,
): Promise<Response> {
  const url = new URL(request.url);
  const path = url.pathname.slice(PREFIX.length);
  let caller: Caller | null = null;
  try {
    caller = authenticate(service, request.headers.get("authorization") ?? undefined);
    const login = caller?.login ?? "";
    const free = path === RATE_LIMIT_PATH;
    if (!free) service.rates.take(login);
    if (service.rates.exceeded(login) && !free) throw exceeded(login);
    const [, owner, name] = /^\/repos\/([^/]+)\/([^/]+)/.exec(path) ?? [];
    const repo = owner && name ? `${owner}/${name}` : null;
    const fault = service.faults.take({ method: request.method, path, repo });
    return await struck(fault, incoming, {
      failed: (kind) =>
        withRate(service, caller, new Refusal(FAILED[kind], "Told to fail").response()),
      limited: () => withRate(service, caller, secondaryLimit().response()),
      work: async (delayMs) => {
        const known = owner && name ? service.repos.find(owner, name) : undefined;
        const work = () => found(service, request, { caller, path, url });
        return delayMs > 0 && known ? await service.unseen(known, delayMs, work) : await work();
      },
    });
  } catch (error) {
    return withRate(service, caller, problem(error));
  }
}

async function found(
  service: Service,
  request: Request,
  { caller, path, url }: { caller: Caller | null; path: string; url: URL },
): Promise<Response> {
  try {
    // HEAD is GET without the body, which the HTTP server leaves out.
    const method = request.method === "HEAD" ? "GET" : request.method;
    if (BEHIND_A_NAME.test(path)) throw notImplemented(`${request.method} ${path}`);
    for (const candidate of ROUTES) {
      if (candidate.method !== method) continue;
      const params = candidate.match(path);
      if (!params) continue;
      const call: Call = {
        ...{ service, caller, method, params, query: url.searchParams },
        url: `${service.origin}${url.pathname}`,
        accept: request.headers.get("accept") ?? "",
        body: () => bodyOf(request),
      };
      refuseMedia(call);
      return finished(service, request, caller, await candidate.handle(call));
    }
    throw notImplemented(`${request.method} ${path}`);
  } catch (error) {
    return withRate(service, caller, problem(error));
  }
}

async function bodyOf(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, "Problems parsing JSON");
  }
}

/** Forms of an answer that GitHub has and this server has not. */
function refuseMedia({ accept }: Call): void {
  const [, media] =
    /application\/vnd\.github\.(?:v3\.)?(diff|patch|object|html|full)\b/.exec(accept) ?? [];
  if (media !== undefined) throw notImplemented(`answers as ${media}`);
}

function finished(
  service: Service,
  request: Request,
  caller: Caller | null,
  answer: Answer<unknown>,
): Response {
  if ("raw" in answer) {
    const headers = { "content-type": "application/vnd.github.raw; charset=utf-8" };
    return withRate(service, caller, new Response(new Uint8Array(answer.raw), { headers }));
  }
  if (answer.status === 204) return withRate(service, caller, new Response(null, { status: 204 }));
  if (answer.status === 302) {
    const { status, location } = answer;
    return withRate(service, caller, new Response(null, { status, headers: { location } }));
  }
  const body = JSON.stringify(answer.data);
  const headers: Record<string, string> = {
    "content-type": "application/json; charset=utf-8",
    ...answer.headers,
  };
  if (request.method !== "GET" && request.method !== "HEAD") {
    return withRate(service, caller, new Response(body, { status: answer.status ?? 200, headers }));
  }
  headers.etag = `W/"${createHash("sha256").update(body).digest("hex")}"`;
  const same = request.headers.get("if-none-match")?.split(/, ?/).includes(headers.etag);
  if (!same) return withRate(service, caller, new Response(body, { headers }));
  service.rates.giveBack(caller?.login ?? "");
  const { etag } = headers;
  return withRate(service, caller, new Response(null, { status: 304, headers: { etag } }));
}

function withRate(service: Service, caller: Caller | null, response: Response): Response {
  const rate = service.rates.of(caller?.login ?? "");
  for (const [name, value] of Object.entries(rateHeaders(rate))) response.headers.set(name, value);
  response.headers.set("x-github-media-type", "github.v3; format=json");
  return response;
}

function problem(error: unknown): Response {
  if (error instanceof Refusal) return error.response();
  console.error("github:", error);
  return new Refusal(500, "Server Error").response();
}

const exceeded = (login: string) =>
  new Refusal(403, `API rate limit exceeded for ${login || "nobody"}.`);

const secondaryLimit = () =>
  new Refusal(
    403,
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    [],
    { "retry-after": "1" },
  );
