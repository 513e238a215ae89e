import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Unauthorized, Unavailable } from "#lib/errors.ts";
import { setEnv } from "../../test/support/environment.ts";
import { authenticate } from "./authenticate.ts";
import { mintLocalToken } from "./local.ts";

const SECRET = "a local secret that is long enough.";
const NAMES = [
  "LOCAL_AUTH_SECRET",
  "NEON_AUTH_JWKS_URL",
  "NEON_AUTH_ISSUER",
  "NEON_AUTH_AUDIENCE",
  "VERCEL_ENV",
  "NODE_ENV",
] as const;
const before = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
const none = Object.fromEntries(NAMES.map((name) => [name, undefined]));

beforeEach(() => setEnv(none));
afterEach(() => setEnv(before));

const asking = (authorization?: string) =>
  authenticate(new Request("http://x/", authorization ? { headers: { authorization } } : {}));
const now = () => Math.floor(Date.now() / 1000);
const key = (secret: string) => new TextEncoder().encode(secret);
const local = { iss: "countersign-local", aud: "countersign", sub: "u1" };

describe("without Neon Auth", () => {
  beforeEach(() => setEnv({ LOCAL_AUTH_SECRET: SECRET }));
  const signed = (payload: JWTPayload, secret = SECRET, alg = "HS256") =>
    new SignJWT(payload).setProtectedHeader({ alg }).sign(key(secret));

  it("knows the user of a token that was minted here", async () => {
    expect(await asking(`Bearer ${await mintLocalToken("u1")}`)).toEqual({ userId: "u1" });
    expect(await asking(`bearer  ${await mintLocalToken("u2")}`)).toEqual({ userId: "u2" });
  });

  it.each(["", "Bearer", "Bearer ", "Basic dTpw", "Bearer a b", "token"])(
    "refuses the header %j",
    async (header) => {
      await expect(asking(header)).rejects.toMatchObject({ code: "token_missing", status: 401 });
    },
  );

  it.each<[string, () => Promise<string> | string]>([
    ["garbage", () => "not-a-token"],
    ["another secret", () => signed({ ...local, exp: now() + 60 }, `${SECRET}x`)],
    ["another algorithm", () => signed({ ...local, exp: now() + 60 }, SECRET.repeat(2), "HS512")],
    ["no signature", () => new UnsecuredJWT(local).setExpirationTime("1m").encode()],
    ["a cut signature", async () => (await mintLocalToken("u1")).slice(0, -2)],
    ["no end", () => signed(local)],
    ["an end that is past", () => signed({ ...local, exp: now() - 10 })],
    ["a start to come", () => signed({ ...local, exp: now() + 60, nbf: now() + 30 })],
    ["no user", () => signed({ ...local, sub: undefined, exp: now() + 60 })],
    ["an empty user", () => signed({ ...local, sub: "", exp: now() + 60 })],
    ["another issuer", () => signed({ ...local, iss: "other", exp: now() + 60 })],
    ["another audience", () => signed({ ...local, aud: "other", exp: now() + 60 })],
  ])("refuses a token with %s", async (_, token) => {
    await expect(asking(`Bearer ${await token()}`)).rejects.toBeInstanceOf(Unauthorized);
  });

  it("bears clocks that differ by a few seconds", async () => {
    const token = await signed({ ...local, exp: now() - 2 });
    expect(await asking(`Bearer ${token}`)).toEqual({ userId: "u1" });
  });

  it.each([
    ["VERCEL_ENV", "production"],
    ["VERCEL_ENV", "preview"],
    ["NODE_ENV", "production"],
  ])("neither mints nor accepts with %s=%s", async (name, value) => {
    const token = await mintLocalToken("u1");
    await setEnv({ [name]: value });
    await expect(asking(`Bearer ${token}`)).rejects.toMatchObject({ code: "environment" });
    await expect(mintLocalToken("u1")).rejects.toMatchObject({ code: "environment" });
  });

  it("needs the secret, of 32 characters", async () => {
    const token = await mintLocalToken("u1");
    for (const secret of [undefined, "short"]) {
      await setEnv({ LOCAL_AUTH_SECRET: secret });
      await expect(asking(`Bearer ${token}`)).rejects.toMatchObject({ code: "environment" });
    }
  });
});

describe("with Neon Auth", () => {
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  let answer: { status: number; body: string };
  let fetched = 0;
  const server = createServer((_, response) => {
    fetched += 1;
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });

  beforeAll(async () => {
    keys = await generateKeyPair("EdDSA", { extractable: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  let path = 0;
  beforeEach(async () => {
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "EdDSA" };
    answer = { status: 200, body: JSON.stringify({ keys: [jwk] }) };
    fetched = 0;
    const { port } = server.address() as AddressInfo;
    // Another address for each test, because keys are cached by address.
    const url = `http://127.0.0.1:${port}/${path++}/jwks.json`;
    await setEnv({ NEON_AUTH_JWKS_URL: url, LOCAL_AUTH_SECRET: SECRET });
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const signed = (payload: JWTPayload, kid = "k1", privateKey = keys.privateKey) =>
    new SignJWT({ sub: "u1", exp: now() + 60, ...payload })
      .setProtectedHeader({ alg: "EdDSA", kid })
      .sign(privateKey);

  it("knows the user of a token signed by a published key, which is fetched once", async () => {
    for (const sub of ["u1", "u2"]) {
      expect(await asking(`Bearer ${await signed({ sub })}`)).toEqual({ userId: sub });
    }
    expect(fetched).toBe(1);
  });

  it("checks issuer and audience where they are configured", async () => {
    await setEnv({
      NEON_AUTH_ISSUER: "https://auth.example",
      NEON_AUTH_AUDIENCE: "countersign",
    });
    const right = { iss: "https://auth.example", aud: "countersign" };
    expect(await asking(`Bearer ${await signed(right)}`)).toEqual({ userId: "u1" });
    for (const wrong of [{}, { ...right, iss: "https://evil.example" }, { ...right, aud: "x" }]) {
      await expect(asking(`Bearer ${await signed(wrong)}`)).rejects.toBeInstanceOf(Unauthorized);
    }
  });

  it.each<[string, () => Promise<string> | string]>([
    [
      "a local token",
      () => new SignJWT(local).setProtectedHeader({ alg: "HS256" }).sign(key(SECRET)),
    ],
    ["another key", async () => signed({}, "k1", (await generateKeyPair("EdDSA")).privateKey)],
    ["an unknown key id", () => signed({}, "k2")],
    ["an expired token", () => signed({ exp: now() - 10 })],
    ["no signature", () => new UnsecuredJWT({ sub: "u1" }).setExpirationTime("1m").encode()],
    [
      "the public key as an HMAC secret",
      async () =>
        new SignJWT({ sub: "u1", exp: now() + 60 })
          .setProtectedHeader({ alg: "HS256", kid: "k1" })
          .sign(key(await exportSPKI(keys.publicKey))),
    ],
  ])("refuses %s", async (_, token) => {
    await expect(asking(`Bearer ${await token()}`)).rejects.toBeInstanceOf(Unauthorized);
  });

  it.each([
    { status: 500, body: "" },
    { status: 200, body: "no json" },
    { status: 200, body: "{}" },
  ])("does not judge when the key server answers %j", async (failure) => {
    const token = await signed({});
    answer = failure;
    await expect(asking(`Bearer ${token}`)).rejects.toBeInstanceOf(Unavailable);
  });

  it("takes its keys only by https in a deployment", async () => {
    await setEnv({ VERCEL_ENV: "production", NEON_AUTH_ISSUER: "deployed" });
    await expect(asking("Bearer x")).rejects.toMatchObject({ code: "environment" });
  });
});
