import { randomBytes } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { InvalidInput } from "#lib/errors.ts";
import { ulid } from "../ids.ts";
import { limits } from "../limits.ts";
import { issuesOf } from "../schemas.ts";
import { HttpError, type Request, type Response, type Router } from "./router.ts";

/** Who made the token, as the official server writes it. */
const ISSUER = "rt.inngest.com";
const TOKEN_LIFE = "1 minute";

const topics = z
  .array(z.looseObject({ kind: z.enum(["run", "event"]), channel: z.string(), name: z.string() }))
  .max(1000);

/**
 * Adds what an app says to its subscribers. Messages are kept for nobody: who is not subscribed when one comes never sees
 * it, here as in production. Nobody can subscribe here, so a message is taken, held to its limit, and is gone.
 */
export function addRealtime(router: Router): Router {
  // Of this process alone: a token outlives no restart, and lives a minute anyway.
  const secret = randomBytes(32);
  return router
    .on("POST /v1/realtime/publish", async (request) => {
      await refuseSubscriber(request, secret);
      // The SDK says so when the message is a stream, which has a limit of its own.
      const isStream = request.header("content-type") === "text/stream";
      return await take(request, isStream ? limits.streamBytes : limits.messageBytes);
    })
    .on("POST /v1/realtime/publish/tee", async (request) => {
      await refuseSubscriber(request, secret);
      if (!request.query.get("channel")) {
        throw new HttpError(
          400,
          "the query parameter channel is missing: say whose stream this is",
        );
      }
      return await take(request, limits.streamBytes);
    })
    .on("POST /v1/realtime/token", async (request) => {
      const asked = topics.safeParse(await request.json());
      if (!asked.success) {
        throw new InvalidInput("bad_request", `not a list of topics: ${issuesOf(asked.error)}`);
      }
      const jwt = await new SignJWT({ topics: asked.data, publish: false })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setIssuer(ISSUER)
        .setJti(ulid())
        .setIssuedAt()
        .setExpirationTime(TOKEN_LIFE)
        .sign(secret);
      return { status: 201, json: { jwt } };
    });
}

/** A token is given to browsers so that they listen: with it nobody speaks. Keys are not checked, as everywhere here. */
async function refuseSubscriber(request: Request, secret: Uint8Array): Promise<void> {
  const bearer = /^Bearer (.+)$/.exec(request.header("authorization") ?? "")?.[1];
  if (bearer === undefined) return;
  const ours = await jwtVerify(bearer, secret, { issuer: ISSUER }).then(
    () => true,
    () => false,
  );
  if (ours) throw new HttpError(401, "a token to subscribe does not publish: use the signing key");
}

/** Reads a message, of any form, to its end. */
async function take(request: Request, maxBytes: number): Promise<Response> {
  for await (const _ of request.body(maxBytes));
  return { status: 200 };
}
