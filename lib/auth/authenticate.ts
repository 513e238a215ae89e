import { env, isDeployed } from "#lib/env.ts";
import { InvalidInput, Unauthorized } from "#lib/errors.ts";
import { localAuth, localSecret } from "./local.ts";
import { neonAuth } from "./neon.ts";
import type { Identity, TokenCheck } from "./token.ts";

let current: { key: string; check: TokenCheck } | undefined;

/**
 * Says who sent a request by its `Authorization: Bearer` token: of Neon Auth when NEON_AUTH_JWKS_URL is set, else a local
 * one. Throws Unauthorized without a valid token, Unavailable when the keys cannot be fetched, and InvalidInput
 * "environment" when nothing is configured to check tokens with.
 */
export async function authenticate(request: Request): Promise<Identity> {
  const [scheme, token, ...rest] = (request.headers.get("authorization") ?? "").trim().split(/ +/);
  if (scheme?.toLowerCase() !== "bearer" || !token || rest.length > 0) {
    throw new Unauthorized("token_missing", "Send a token: Authorization: Bearer <token>");
  }
  return await tokenCheck()(token);
}

/** The check of this environment; kept while the environment stays the same, because it caches keys. */
function tokenCheck(): TokenCheck {
  const {
    NEON_AUTH_JWKS_URL: jwksUrl,
    NEON_AUTH_ISSUER: issuer,
    NEON_AUTH_AUDIENCE: audience,
  } = env();
  const secret = jwksUrl === undefined ? localSecret() : undefined;
  const key = JSON.stringify([jwksUrl, issuer, audience, secret]);
  if (current?.key !== key) {
    if (jwksUrl !== undefined && isDeployed() && !jwksUrl.startsWith("https:")) {
      throw new InvalidInput("environment", "NEON_AUTH_JWKS_URL must be an https: URL");
    }
    const check = jwksUrl ? neonAuth({ jwksUrl, issuer, audience }) : localAuth(secret ?? "");
    current = { key, check };
  }
  return current.check;
}
