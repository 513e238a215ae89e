import { createPublicKey } from "node:crypto";
import * as z from "zod";
import { auditPublicKey } from "../../audit/checkpoint.ts";
import { isDeployed } from "../../env.ts";
import { askJson } from "../ask.ts";
import { type Check, CheckFailed, missing, ok } from "../check.ts";

const jwks = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) });

export const login: Check = {
  name: "login",
  remedy: "Check NEON_AUTH_JWKS_URL against the issuer's page.",
  async run({ NEON_AUTH_JWKS_URL: url, NEON_AUTH_ISSUER, LOCAL_AUTH_SECRET }, signal) {
    if (url === undefined) {
      if (isDeployed() || LOCAL_AUTH_SECRET === undefined) {
        const remedy = isDeployed()
          ? "Set NEON_AUTH_JWKS_URL; LOCAL_AUTH_SECRET counts for nothing in production."
          : "Set NEON_AUTH_JWKS_URL, or LOCAL_AUTH_SECRET on a laptop.";
        throw new CheckFailed("Nobody can log in: there is nothing to check tokens with.", remedy);
      }
      return ok("local tokens, which production refuses");
    }
    if (isDeployed() && !url.startsWith("https:")) {
      throw new CheckFailed(
        "NEON_AUTH_JWKS_URL is not https, which production refuses.",
        "Use https.",
      );
    }
    const { body } = await askJson({
      whom: "The issuer of tokens",
      url,
      signal,
      refused: this.remedy,
    });
    const { success, data } = jwks.safeParse(body);
    if (!success) throw new CheckFailed("What answers is not a set of keys (JWKS).");
    // With a secret key among them, anybody could sign: only public ones count.
    const usable = data.keys.filter((key) => key.kty !== "oct").length;
    if (usable === 0) throw new CheckFailed("The set has no public key.");
    const issuer =
      NEON_AUTH_ISSUER === undefined ? "; NEON_AUTH_ISSUER is not set, so not checked" : "";
    return ok(`${usable} keys are published${issuer}`);
  },
};

export const auditKey: Check = {
  name: "audit key",
  remedy: "Make one: openssl genpkey -algorithm ed25519 -outform DER | base64 -w0",
  async run({ AUDIT_SIGNING_KEY }) {
    if (AUDIT_SIGNING_KEY === undefined)
      return missing("no checkpoints of audit chains, and bundles are not signed", this.remedy);
    const { asymmetricKeyType } = createPublicKey(auditPublicKey());
    return ok(`AUDIT_SIGNING_KEY is a key of the type ${asymmetricKeyType}`);
  },
};

export const approvalSecret: Check = {
  name: "approval seal",
  remedy: "Make one: openssl rand -base64 32",
  async run({ APPROVAL_EDGE_SECRET }) {
    if (APPROVAL_EDGE_SECRET !== undefined) return ok("APPROVAL_EDGE_SECRET is set");
    return missing(
      "decisions over HTTP count for no policy that asks for `api`, such as strict",
      this.remedy,
    );
  },
};
