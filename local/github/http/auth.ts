import type { Service } from "../service.ts";
import type { Caller } from "../store/repos.ts";
import { Refusal } from "./errors.ts";

/**
 * Who asks: by `Bearer`, `token`, or `Basic` with the token as password, as git sends it. Null without a header.
 * Throws 401 for a token that nobody has.
 */
export function authenticate(service: Service, header: string | undefined): Caller | null {
  if (header === undefined) return null;
  const [scheme = "", value = ""] = header.split(" ");
  const caller = service.repos.caller(tokenOf(scheme.toLowerCase(), value));
  if (!caller) throw new Refusal(401, "Bad credentials");
  return caller;
}

function tokenOf(scheme: string, value: string): string {
  if (scheme !== "basic") return value;
  const [user = "", password = ""] = Buffer.from(value, "base64").toString("utf8").split(":");
  return password === "" || password === "x-oauth-basic" ? user : password;
}
