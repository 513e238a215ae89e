import { jwtVerify, SignJWT } from "jose";
import { isDeployed, requiredEnv } from "#lib/env.ts";
import { InvalidInput } from "#lib/errors.ts";
import { identify, TOKEN_RULES, type TokenCheck } from "./token.ts";

const LOCAL = { issuer: "countersign-local", audience: "countersign" };

/** Checks tokens of {@link mintLocalToken}: for laptops and tests, where there is no Neon Auth. */
export function localAuth(secret: string): TokenCheck {
  const key = new TextEncoder().encode(secret);
  const rules = { ...TOKEN_RULES, ...LOCAL, algorithms: ["HS256"] };
  return (token) => identify(() => jwtVerify(token, key, rules));
}

/**
 * A token for `userId`, signed with LOCAL_AUTH_SECRET. `expiresIn` is a span such as `12h`.
 * Throws InvalidInput in a deployment and when the secret is not set.
 */
export async function mintLocalToken(userId: string, expiresIn = "12h"): Promise<string> {
  return await new SignJWT()
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer(LOCAL.issuer)
    .setAudience(LOCAL.audience)
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(localSecret()));
}

/** LOCAL_AUTH_SECRET; a deployment has none, whatever its environment says. */
export function localSecret(): string {
  if (isDeployed()) {
    throw new InvalidInput("environment", "A deployment needs NEON_AUTH_JWKS_URL to check tokens");
  }
  return requiredEnv("LOCAL_AUTH_SECRET");
}
