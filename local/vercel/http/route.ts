import type * as z from "zod";
import type { Service } from "../service.ts";
import type { ProjectRow } from "../store/projects.ts";
import { badRequest, notFound } from "./errors.ts";

/** One request to the REST API. */
export interface Call {
  readonly service: Service;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: () => Promise<unknown>;
  /** How long readers do not see what it creates, in milliseconds. */
  readonly delayMs: number;
}

export interface Answer {
  readonly status?: 200 | 201 | 204;
  readonly data?: unknown;
}

export interface Route {
  readonly method: string;
  /** The parameters when the path is this route's, otherwise undefined. */
  match(path: string): Record<string, string> | undefined;
  handle(call: Call): Promise<Answer>;
}

/** A route by its name in Vercel's documentation: `GET /v9/projects/{idOrName}`. */
export function route(name: string, handle: (call: Call) => Promise<Answer>): Route {
  const [method = "", path = ""] = name.split(" ");
  const names: string[] = [];
  const pattern = path.replaceAll(/\{(\w+)\}/g, (_, param: string) => {
    names.push(param);
    return "([^/]+)";
  });
  const whole = new RegExp(`^${pattern}$`);
  return {
    method,
    handle,
    match(asked) {
      const found = whole.exec(asked);
      if (!found) return undefined;
      return Object.fromEntries(names.map((param, i) => [param, decoded(found[i + 1] ?? "")]));
    },
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function param({ params }: Call, name: string): string {
  return params[name] ?? "";
}

/** The body in the form that `schema` says. Throws 400. */
export async function bodyOf<T extends z.ZodType>(call: Call, schema: T): Promise<z.infer<T>> {
  const result = schema.safeParse(await call.body());
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  // Never what was sent: it may be the value of a variable.
  throw badRequest(`Invalid request: \`${issue?.path.join(".") || "body"}\` ${issue?.message}.`);
}

/** The project of the route, when it is there and seen. Throws 404. */
export function projectOf(call: Call, name = "idOrName"): ProjectRow {
  const project = call.service.projects.find(param(call, name));
  if (!project || !isSeen(project)) throw notFound("Project");
  return project;
}

export function isSeen({ seen_from }: { readonly seen_from: number }): boolean {
  return seen_from <= Date.now();
}

/** When what a call creates is seen. */
export function seenFrom({ delayMs }: Call): number {
  return delayMs === 0 ? 0 : Date.now() + delayMs;
}

/** How many entries a list gives. */
export function limitOf({ query }: Call, most = 100): number {
  const limit = Number(query.get("limit") ?? 20);
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit;
  throw badRequest(`Invalid request: \`limit\` must be between 1 and ${most}.`);
}
