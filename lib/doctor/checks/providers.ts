import type { Env } from "../../env.ts";
import { askJson, below } from "../ask.ts";
import { type Check, CheckFailed, missing, ok } from "../check.ts";

/** The services that target apps are deployed to: one read each that every credential of theirs may do. */

export const vercel: Check = {
  name: "Vercel",
  remedy: "Check the network, and VERCEL_API_URL when it is set.",
  async run({ VERCEL_API_URL = "https://api.vercel.com", VERCEL_TOKEN }, signal) {
    if (VERCEL_TOKEN === undefined) {
      return missing(
        "target apps are not deployed",
        "Set VERCEL_TOKEN, from the account's settings.",
      );
    }
    await askJson({
      whom: "Vercel",
      url: below(VERCEL_API_URL, "v2/user"),
      headers: { authorization: `Bearer ${VERCEL_TOKEN}` },
      signal,
      refused:
        "VERCEL_TOKEN is wrong, expired or of another scope: make one for the team that deploys.",
    });
    return ok("the token works");
  },
};

export const neon: Check = {
  name: "Neon API",
  remedy:
    "Set NEON_ORG_ID to the organization that the key is of; check the network, and NEON_API_URL when it is set.",
  async run(env, signal) {
    const { NEON_API_URL = "https://console.neon.tech/api/v2", NEON_API_KEY, NEON_ORG_ID } = env;
    if (NEON_API_KEY === undefined) {
      return missing(
        "no databases for target apps",
        "Set NEON_API_KEY, from the account's settings.",
      );
    }
    // What we do first when a database is made. It needs the organization; who the key is of, only a personal one may ask.
    const url = below(NEON_API_URL, "projects?limit=1");
    if (NEON_ORG_ID !== undefined) url.searchParams.set("org_id", NEON_ORG_ID);
    await askJson({
      whom: "Neon",
      url,
      headers: { authorization: `Bearer ${NEON_API_KEY}` },
      signal,
      refused: "NEON_API_KEY is wrong or revoked, or not of NEON_ORG_ID: make another.",
    });
    return ok("the key works");
  },
};

export const upstash: Check = {
  name: "Upstash API",
  remedy: "Check the network, and UPSTASH_API_URL when it is set.",
  async run(
    { UPSTASH_API_URL = "https://api.upstash.com/v2", UPSTASH_EMAIL, UPSTASH_API_KEY },
    signal,
  ) {
    if (UPSTASH_API_KEY === undefined) {
      const loses = "no vector indexes and Redis databases for target apps";
      return missing(loses, "Set UPSTASH_EMAIL and UPSTASH_API_KEY, from the account's settings.");
    }
    if (UPSTASH_EMAIL === undefined) {
      throw new CheckFailed("UPSTASH_EMAIL is not set.", "Set it: whose account the key is of.");
    }
    const credential = Buffer.from(`${UPSTASH_EMAIL}:${UPSTASH_API_KEY}`).toString("base64");
    await askJson({
      whom: "Upstash",
      url: below(UPSTASH_API_URL, "redis/databases"),
      headers: { authorization: `Basic ${credential}` },
      signal,
      refused: "UPSTASH_EMAIL and UPSTASH_API_KEY do not belong together, or the key is revoked.",
    });
    return ok("the key works");
  },
};

export const ledger: Check = {
  name: "the ledger service",
  remedy: "See that the service runs at LEDGER_URL.",
  async run({ LEDGER_URL, LEDGER_TOKEN }: Env, signal) {
    if (LEDGER_URL === undefined) {
      return missing("no runs with the target ledger", "Set LEDGER_URL and LEDGER_TOKEN.");
    }
    if (LEDGER_TOKEN === undefined) {
      throw new CheckFailed(
        "LEDGER_TOKEN is not set.",
        "Set it: what opens the service at LEDGER_URL.",
      );
    }
    await askJson({
      whom: "The ledger service",
      url: new URL("/books/doctor", LEDGER_URL),
      headers: { authorization: `Bearer ${LEDGER_TOKEN}` },
      signal,
      refused: "Copy LEDGER_TOKEN again.",
    });
    return ok("the token works");
  },
};
