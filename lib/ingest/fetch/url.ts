import { isIP } from "node:net";
import { env } from "#lib/env.ts";
import { FileRefused } from "#lib/errors.ts";
import type { Network } from "./network.ts";

/** Hosts that files may be fetched from, out of FILE_URL_HOSTS: `files.example.com`, `*.example.org`. */
export function allowedHosts(list: string = env().FILE_URL_HOSTS ?? ""): readonly string[] {
  return list
    .split(",")
    .map((host) => host.trim().toLowerCase())
    .filter((host) => host !== "");
}

/** `*.example.com` stands for every name below example.com, at any depth, and not for example.com itself. */
export function hostAllowed(hostname: string, allowHosts: readonly string[]): boolean {
  return allowHosts.some((allowed) =>
    allowed.startsWith("*.") ? hostname.endsWith(allowed.slice(1)) : hostname === allowed,
  );
}

/**
 * Parses a URL that a file is to be fetched from and checks all that can be checked before DNS.
 * Throws FileRefused "url_refused" with what to change; the message never repeats credentials.
 */
export function checkUrl(text: string, allowHosts: readonly string[], network: Network): URL {
  const url = URL.parse(text);
  if (!url) throw refused("Not a URL: use a whole one, such as https://files.example.com/a.pdf");
  const wrong = network.refusesUrl(url);
  if (wrong) throw refused(`Files are not fetched from there: ${wrong}`);
  if (url.username || url.password) throw refused("Take the user name and password out of the URL");
  const hostname = hostnameOf(url);
  if (!hostAllowed(hostname, allowHosts)) {
    throw refused(`The host ${hostname} is not in the setting FILE_URL_HOSTS: add it to allow it`);
  }
  // Sockets do not look up what is an address already, so it is checked here.
  if (isIP(hostname) && !network.permits(hostname)) throw refused("Not a public address");
  return url;
}

/** The host as sockets know it: without the brackets of IPv6 and the final dot of a fully qualified name. */
function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

function refused(message: string): FileRefused {
  return new FileRefused("url_refused", message);
}
