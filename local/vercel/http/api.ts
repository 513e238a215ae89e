import type { IncomingMessage } from "node:http";
import { struck } from "../../faults.ts";
import { type Rates, rateHeaders } from "../../github/http/rate.ts";
import { account } from "../routes/account.ts";
import { deployments } from "../routes/deployments.ts";
import { environment } from "../routes/environment.ts";
import { production } from "../routes/production.ts";
import { projects } from "../routes/projects.ts";
import type { Service } from "../service.ts";
import { badRequest, forbidden, notImplemented, Refusal } from "./errors.ts";
import type { Answer, Call, Route } from "./route.ts";

const ROUTES: readonly Route[] = [
  ...[...account, ...projects, ...environment, ...deployments, ...production],
];
const FAILED = { before: 502, after: 502, error500: 500 } as const;
const CALLER = "token";
/** What is asked of no team. */
const OF_PERSON = /^\/v2\/(?:user|teams\/[^/]+)$/;

/** Answers one request to the REST API: whether it may ask, what fault strikes it, and which route it is. */
export async function answerApi(
  service: Service,
  { token, rates }: { token: string; rates: Rates },
  request: Request,
  incoming: IncomingMessage,
): Promise<Response> {
  const url = new URL(request.url);
  const { method } = request;
  const path = url.pathname;
  const answer = async (): Promise<Response> => {
    if (request.headers.get("authorization") !== `Bearer ${token}`) throw forbidden();
    // A person's own account has no team, and a team's token asks for that team.
    const team = url.searchParams.get("teamId") ?? undefined;
    if (team !== service.options.teamId && !OF_PERSON.test(path)) {
      throw new Refusal(403, "forbidden", "Not authorized: that is another account.");
    }
    rates.take(CALLER);
    if (rates.exceeded(CALLER)) throw limited({});
    return await struck(service.faults.take({ method, path }), incoming, {
      failed: (kind) => new Refusal(FAILED[kind], "internal_error", "Told to fail").response(),
      limited: () => limited({ "retry-after": "1" }).response(),
      work: async (delayMs) => {
        const body = () => jsonOf(request);
        const query = url.searchParams;
        return responseOf(await routed(method, path, { service, query, body, delayMs }));
      },
    });
  };
  const response = await answer().catch(problem);
  for (const [name, value] of Object.entries(rateHeaders(rates.of(CALLER)))) {
    response.headers.set(name, value);
  }
  return response;
}

async function routed(method: string, path: string, call: Omit<Call, "params">): Promise<Answer> {
  for (const candidate of ROUTES) {
    const params = candidate.method === method ? candidate.match(path) : undefined;
    if (params) return await candidate.handle({ ...call, params });
  }
  throw notImplemented(`${method} ${path}`);
}

function responseOf({ status = 200, data }: Answer): Response {
  if (status === 204) return new Response(null, { status });
  return Response.json(data ?? {}, { status });
}

async function jsonOf(request: Request): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw badRequest("Invalid JSON");
  }
}

function problem(error: unknown): Response {
  if (error instanceof Refusal) return error.response();
  console.error("vercel:", error);
  return new Refusal(500, "internal_server_error", "An unexpected error occurred.").response();
}

const limited = (headers: Record<string, string>) =>
  new Refusal(429, "rate_limited", "The rate limit has been exceeded.", headers);
