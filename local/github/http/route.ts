import type { Endpoints } from "@octokit/types";
import type { Call } from "./call.ts";

/** What GitHub answers to a route, as its own client types it. */
export type Data<Name extends keyof Endpoints> = Endpoints[Name]["response"]["data"];

export interface Found<T> {
  readonly data: T;
  readonly status?: 200 | 201;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Answer<T> =
  | Found<T>
  | { readonly status: 204 }
  | { readonly status: 302; readonly location: string }
  /** Bytes instead of JSON, for who asked for them. */
  | { readonly raw: Buffer };

export interface Route {
  readonly name: string;
  readonly method: string;
  /** The parameters when the path is this route's, otherwise undefined. */
  match(path: string): Record<string, string> | undefined;
  handle(call: Call): Promise<Answer<unknown>>;
}

/** Parameters that may have slashes in them. */
const LONG = new Set(["ref", "path", "branch", "basehead"]);

/** A route by the name that GitHub's documentation gives it, with a handler whose answer has that route's type. */
export function route<Name extends keyof Endpoints & string>(
  name: Name,
  handle: (call: Call) => Promise<Answer<Data<Name>>>,
): Route {
  const [method = "", path = ""] = name.split(" ");
  const names: string[] = [];
  const pattern = path.replaceAll(/\{(\w+)\}/g, (_, param: string) => {
    names.push(param);
    return LONG.has(param) ? "(.+)" : "([^/]+)";
  });
  const whole = new RegExp(`^${pattern}$`);
  return {
    name,
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
