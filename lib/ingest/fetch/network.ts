import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";
import { env, isDeployed } from "#lib/env.ts";
import { FileRefused, InvalidInput } from "#lib/errors.ts";

export interface Address {
  readonly address: string;
  readonly family: number;
}

/** What of a network may be reached: the seam where tests put their own names. */
export interface Network {
  /** Every address of a host name. Rejects when there is none. */
  resolve(hostname: string): Promise<readonly Address[]>;
  /** Why this URL's scheme or port is not allowed, or null when it is. */
  refusesUrl(url: URL): string | null;
  /** Whether a connection to this IP address is allowed. */
  permits(address: string): boolean;
}

const GLOBAL_IPV6 = ipaddr.parseCIDR("2000::/3");

/**
 * Whether an address is on the public internet: neither private, loopback, link-local, carrier-grade NAT, multicast,
 * reserved nor a form that carries an IPv4 address inside (mapped, 6to4, NAT64, Teredo), which could hide one of them.
 * Ranges: the IANA special-purpose address registries (RFC 6890), as ipaddr.js names them.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || parsed.match(GLOBAL_IPV6);
}

/** The public internet by https on its own port. */
export const internet: Network = {
  resolve: (hostname) => lookup(hostname, { all: true }),
  refusesUrl(url) {
    if (url.protocol !== "https:") return "use an https: URL";
    return url.port === "" ? null : "use the https port 443";
  },
  permits: isPublicAddress,
};

/** The internet, and by plain http this machine under its address 127.0.0.1. */
export const internetAndLoopback: Network = {
  resolve: internet.resolve,
  refusesUrl(url) {
    const local = url.protocol === "http:" && url.hostname === "127.0.0.1";
    return local ? null : internet.refusesUrl(url);
  },
  // A name that resolves to 127.0.0.1 gets this far only by https on port 443.
  permits: (address) => address === "127.0.0.1" || isPublicAddress(address),
};

/** The network of this environment. Throws InvalidInput when a deployment is told to reach itself. */
export function networkOfEnvironment(): Network {
  if (env().FETCH_ALLOW_LOOPBACK_HTTP !== "1") return internet;
  if (isDeployed()) {
    throw new InvalidInput(
      "environment",
      "FETCH_ALLOW_LOOPBACK_HTTP is for laptops: unset it here",
    );
  }
  return internetAndLoopback;
}

/**
 * A `lookup` for sockets that resolves once and hands over only checked addresses, so that the address that was
 * checked is the one that is connected to, and a second DNS answer (rebinding) never comes into play.
 * One forbidden address refuses the name: an attacker's mix must not be left to the order of the answers.
 */
export function checkedLookup(network: Network): LookupFunction {
  return (hostname, options, callback) => {
    network
      .resolve(hostname)
      .then((addresses) => {
        const [first] = addresses;
        if (!first || !addresses.every(({ address }) => network.permits(address))) {
          throw new FileRefused("url_refused", "The host does not have a public address", {
            hostname,
          });
        }
        if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      })
      .catch((error) => callback(error, []));
  };
}
