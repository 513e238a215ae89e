import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { setEnv } from "../test/support/environment.ts";
import { processorMs } from "../test/support/processor.ts";
import { ID_PREFIXES, type IdKind, newId } from "./ids.ts";
import { redactJson, redactLines, redactText } from "./redact.ts";

const ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const from = (alphabet: string, length: number) =>
  fc
    .array(fc.constantFrom(...alphabet), { minLength: length, maxLength: length })
    .map((letters) => letters.join(""));
/** As chance makes it: with a capital, a small letter and a digit. */
const random = (length: number) =>
  from(ALNUM, length - 3).map((text) => `${text.slice(0, 5)}9Qz${text.slice(5)}`);
const hex = (length: number) => from("0123456789abcdef", length);
const base64url = (text: string) => Buffer.from(text).toString("base64url");

const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const rsaPem = rsa.export({ type: "pkcs1", format: "pem" }).toString();
const rsaDer = rsa.export({ type: "pkcs8", format: "der" }).toString("base64");

/** How each secret is written, and the part of it that must be nowhere afterwards. */
const shapes: Record<string, fc.Arbitrary<readonly [written: string, secret: string]>> = {
  ...Object.fromEntries(
    Object.entries({
      github: random(36).map((key) => `ghp_${key}`),
      "github app": random(36).map((key) => `ghs_${key}`),
      "github fine-grained": random(59).map((key) => `github_pat_11ABCDEFG0${key}`),
      gitlab: random(20).map((key) => `glpat-${key}`),
      vercel: random(40).map((key) => `vcp_${key}`),
      "vercel blob": random(30).map((key) => `vercel_blob_rw_Ab3dEf6h_${key}`),
      neon: random(64).map((key) => `napi_${key}`),
      inngest: hex(64).map((key) => `signkey-prod-${key}`),
      upstash: random(60).map((key) => `AX3dASQg${key}`),
      "upstash vector": random(80).map((key) => `ABcFMHB${key}`),
      slack: random(24).map((key) => `xoxb-123456789012-${key}`),
      stripe: random(24).map((key) => `sk_live_${key}`),
      aws: from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16).map((key) => `AKIA${key}`),
      google: random(35).map((key) => `AIza${key}`),
      openai: random(48).map((key) => `sk-${key}`),
      "openai project": random(48).map((key) => `sk-proj-${key}`),
      anthropic: random(80).map((key) => `sk-ant-api03-${key}`),
      npm: random(36).map((key) => `npm_${key}`),
      huggingface: random(34).map((key) => `hf_${key}`),
      sendgrid: random(43).map((key) => `SG.abcdefghij0123456789ab.${key}`),
      jwt: random(43).map(
        (signature) =>
          `${base64url('{"alg":"HS256"}')}.${base64url('{"sub":"1234567890"}')}.${signature}`,
      ),
      "pem block": fc.constant(String(pem).trim()),
      "pem block with its end cut off": fc.constant(rsaPem.slice(0, 400)),
      "bare der": fc.constant(rsaDer),
    }).map(([what, secret]) => [what, secret.map((text) => [text, text] as const)]),
  ),
  "pem block with its beginning cut off": fc.constant([
    rsaPem.slice(600).trim(),
    rsaPem.slice(700, 760),
  ] as const),
  "pem block in quoted JSON": fc.constant([
    JSON.stringify(rsaPem),
    rsaPem.split("\n")[5] ?? "",
  ] as const),
  "aws secret beside its id": random(40).map(
    (key) => [`AKIAIOSFODNN7EXAMPLE ${key}`, key] as const,
  ),
  "connection string": random(12).map(
    (key) => [`postgresql://app:${key}@ep-1.neon.tech/db?sslmode=require`, key] as const,
  ),
  "redis url": random(12).map(
    (key) => [`rediss://default:${key}@eu1.upstash.io:6379`, key] as const,
  ),
  "password with signs in a url": random(8).map(
    (key) => [`mongodb+srv://u:${key}/?#x@cluster0.mongodb.net/db`, key] as const,
  ),
  "libpq words": random(12).map(
    (key) => [`host=db user=app password=${key} dbname=x`, key] as const,
  ),
  "url user and password": random(12).map(
    (key) => [`https://bob:${key}@example.com/x`, key] as const,
  ),
  "url token": random(12).map((key) => [`https://${key}@github.com/o/r.git`, key] as const),
  "query parameter": random(12).map(
    (key) => [`https://example.com/cb?a=1&access_token=${key}&b=2`, key] as const,
  ),
  "presigned url": hex(64).map(
    (key) => [`https://b.s3.amazonaws.com/k?X-Amz-Date=2026&X-Amz-Signature=${key}`, key] as const,
  ),
  "sas url": random(43).map(
    (key) => [`https://a.blob.core.windows.net/c?sv=1&sig=${key}%3D`, key] as const,
  ),
  "authorization header": random(10).map((key) => [`Authorization: Bearer ${key}`, key] as const),
  "basic header": random(10).map((key) => {
    const credentials = Buffer.from(`bob:${key}`).toString("base64");
    return [`authorization: Basic ${credentials}`, credentials] as const;
  }),
  "bearer alone": random(32).map((key) => [`Bearer ${key}`, key] as const),
  cookie: random(16).map((key) => [`Cookie: theme=dark; sid=${key}`, key] as const),
  "api key header": random(16).map((key) => [`X-Api-Key: ${key}`, key] as const),
  "command line": random(16).map((key) => [`deploy --token ${key} --prod`, key] as const),
  shell: fc
    .constantFrom("letmeinplease", "hunter2hunter2")
    .map((key) => [`DB_PASSWORD=${key}`, key] as const),
  "shell, in short": random(12).map((key) => [`SMTP_PASS=${key}`, key] as const),
  "code, in short": random(12).map((key) => [`auth: { user, pass: "${key}" }`, key] as const),
  yaml: random(12).map((key) => [`clientSecret: ${key}`, key] as const),
  code: random(20).map((key) => [`const apiKey = "${key}";`, key] as const),
  "quoted in a message": random(12).map((key) => [`invalid token '${key}' given`, key] as const),
  xml: random(12).map((key) => [`<password>${key}</password>`, key] as const),
  "json in text": random(12).map((key) => [`{"ok":false,"refresh_token":"${key}"}`, key] as const),
  "escaped json in text": random(12).map(
    (key) => [`"{\\"password\\": \\"${key}\\"}"`, key] as const,
  ),
};

/** Text that may stand around a secret; what comes before a key of a provider's ends with no letter or digit. */
const before = fc.constantFrom(
  "",
  " ",
  "\n",
  "error: ",
  "(",
  '"',
  "'",
  "\t- ",
  "é—",
  "、",
  "key ",
  "\\n",
  "| ",
  "a.b: ",
  "200 OK\r\n",
);
const after = fc.constantFrom(
  "",
  " ",
  "\n",
  ")",
  '"',
  "'",
  " and so on.",
  "\nnext: line",
  "\\n",
  " 世界",
  "\r\n\r\n{}",
);

describe.each(Object.entries(shapes))("%s", (_, shape) => {
  test("never survives, wherever it stands", () => {
    fc.assert(
      fc.property(before, shape, after, (left, [written, secret], right) => {
        const text = left + written + right;
        expect(redactText(text)).not.toContain(secret);
        expect(JSON.stringify(redactJson({ a: [{ [text]: 1 }, text] }))).not.toContain(secret);
        // A provider answers in JSON, and we quote the answer.
        expect(redactText(JSON.stringify({ error: text }))).not.toContain(secret);
      }),
      { numRuns: 25 },
    );
  });
});

const harmless: Record<string, fc.Arbitrary<string>> = {
  id: fc.constantFrom(...(Object.keys(ID_PREFIXES) as IdKind[])).map((kind) => newId(kind)),
  sha256: hex(64),
  "commit id": hex(40),
  uuid: fc.uuid(),
  time: fc.date({ noInvalidDate: true, min: new Date(0) }).map((at) => at.toISOString()),
  url: fc.webUrl({ withQueryParameters: false }),
  "url with parameters": fc
    .nat()
    .map((page) => `https://example.com/books?page=${page}&marker=${newId("effect")}&sort=name`),
  "url of a database without a credential": fc.constant("postgres://127.0.0.1:5432/db"),
  base64: random(30),
  "hash in base64": fc.uint8Array({ minLength: 64, maxLength: 64 }).map(
    (bytes) =>
      `sha512-${Buffer.from(bytes)
        .toString("base64")
        .replace(/^.{20}/, "$&eyJ")}`,
  ),
  "hash in a url": hex(64).map((hash) => `https://example.com/?hash=${hash}&key=orders-2026`),
  "git remote": fc.constant("git@github.com:octo/repo.git"),
  prose: fc.constantFrom(
    "SyntaxError: Unexpected token '}' at 1:2, expected token \"identifier\" or secret `name`; password 'x' is too short",
    "Password: at least 12 characters. The token bucket: refill it. Basic understanding is required.",
    "Authorization: every request needs a header. Cookie: a small file. Bearer authentication failed.",
    "secret: required, tokens: 4096, tokenizer: cl100k_base, secretary: Bob, Secrets management: see below.",
    "The Token-based approach => better. API key: string. Set the password to something that nobody guesses.",
    "# tests 12, pass 12, fail 0; pass: 12 of 12 in 1.4s. Second pass: everything is read again; bypass: a1b2c3d4",
    "task-management-for-everyone-in-the-company, risk-assessment-and-mitigation-2026",
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----",
  ),
  code: fc.constantFrom(
    "const token = getToken(request);",
    "password: z.string().min(8).max(100),",
    "apiKey: process.env.API_KEY, secret: import.meta.env.SECRET",
    'GITHUB_TOKEN: $(get token)\npassword=$PASSWORD token="<token>" secret: "***"',
    "function f(token: string, secret: Uint8Array): Promise<void>",
    'if (token === undefined) throw new Error("no token"); this.token = token;',
    "interface A { accessToken: string; refreshToken?: string }",
  ),
};

test.each(Object.entries(harmless))("leaves %s", (_, text) => {
  fc.assert(
    fc.property(text, (value) => {
      expect(redactText(value)).toBe(value);
    }),
    { numRuns: 60 },
  );
});

test("leaves what the audit and the decisions need", () => {
  const payload = {
    runId: newId("run"),
    effectId: newId("effect"),
    kind: "ledger.entry",
    intentHash: "0a".repeat(32),
    keyId: "5f".repeat(16),
    nonce: "Zm9vYmFyMTIzNDU2Nzg5MA",
    signature: { keyId: "5f".repeat(16), nonce: "aB3".repeat(10), value: "aB3-_".repeat(17) },
    marker: newId("effect"),
    env: ["DATABASE_URL", "GITHUB_TOKEN"],
    secretNames: ["DATABASE_URL"],
    tokenCount: 12,
    max_tokens: 4096,
    password: null,
    credentials: true,
    entries: [{ name: "secret-santa", value: "list of names" }],
    externalUrl: "http://127.0.0.1:9/books/b/objects/1",
  };
  expect(redactJson(payload)).toEqual(payload);
});

describe("under a secret-looking key", () => {
  test.each([
    "password",
    "db_password",
    "clientSecret",
    "X-Auth-Token",
    "GITHUB_TOKEN_2",
    "apiKeys",
    "api-key",
    "AWS_SECRET_ACCESS_KEY",
    "private_key",
    "credentials",
    "Authorization",
    "set-cookie",
    "connectionString",
    "authtoken",
    "accessToken",
    "signingKey",
    "PASSPHRASE",
    "SMTP_PASS",
    "idToken",
  ])("%s hides every text, also a word", (key) => {
    const value = { [key]: ["word", { inner: "word", n: 1, none: null }], other: "word" };
    expect(redactJson(value)).toEqual({
      [key]: ["[redacted:secret]", { inner: "[redacted:secret]", n: 1, none: null }],
      other: "word",
    });
  });

  test("in a list of raw headers, but not in one of names", () => {
    expect(
      redactJson(["accept", "a1b2c3d4", "x-api-key", "a1b2c3d4", [["cookie", "a=b1c2d3"]]]),
    ).toEqual([
      "accept",
      "a1b2c3d4",
      "x-api-key",
      "[redacted:secret]",
      [["cookie", "[redacted:secret]"]],
    ]);
    const names = ["GITHUB_TOKEN", "SENTRY_DSN", "token", "tokens", "password", "DATABASE_URL"];
    expect(redactJson(names)).toEqual(names);
  });

  test("in a list of names and values", () => {
    const list = [
      { name: "API_TOKEN", value: "a1b2c3d4e5" },
      { key: "REGION", value: "a1b2c3d4e5" },
    ];
    expect(redactJson(list)).toEqual([
      { name: "API_TOKEN", value: "[redacted:secret]" },
      { key: "REGION", value: "a1b2c3d4e5" },
    ]);
  });
});

describe("secrets of the environment", () => {
  const before = { ...process.env };
  afterEach(async () => {
    process.env = { ...before };
    await setEnv({});
  });

  test.each([
    "LOCAL_AUTH_SECRET",
    "UPSTASH_VECTOR_REST_TOKEN",
    "BLOB_READ_WRITE_TOKEN",
    "AUDIT_SIGNING_KEY",
    "INNGEST_EVENT_KEY",
    "INNGEST_SIGNING_KEY",
    "INNGEST_SIGNING_KEY_FALLBACK",
    "APPROVAL_EDGE_SECRET",
    "LEDGER_TOKEN",
    "GITHUB_APP_PRIVATE_KEY",
    "VERCEL_TOKEN",
    "NEON_API_KEY",
    "UPSTASH_API_KEY",
    "OPENAI_API_KEY",
  ])("the value of %s, in every writing", async (name) => {
    const value = 'correct "horse" / battery+staple';
    await setEnv({ [name]: value });
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    for (const written of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) {
      expect(redactText(`x${written}y`)).toBe("x[redacted:environment]y");
    }
    for (const prefix of ["", "u", "us", "use", "user:"]) {
      for (const written of [base64(prefix + value), base64(`${prefix}${value}!`)]) {
        expect(redactText(written)).toMatch(/^.{0,8}\[redacted:environment\].{0,5}$/);
        expect(redactText(written.replaceAll("+", "-").replaceAll("/", "_"))).toMatch(
          /^.{0,8}\[redacted:environment\].{0,5}$/,
        );
      }
    }
  });

  test("a connection string, and its password alone; not one that is the user's name", async () => {
    const url = "postgres://app:p%40ssw0rdX@db.example.com/x";
    await setEnv({ DATABASE_URL: url });
    expect(redactText("p@ssw0rdX p%40ssw0rdX")).toBe(
      "[redacted:environment] [redacted:environment]",
    );
    expect(redactText(url)).toBe("[redacted:environment]");
    await setEnv({ DATABASE_URL: "postgres://postgres:postgres@127.0.0.1/x" });
    expect(redactText("postgres is up")).toBe("postgres is up");
  });

  test("short values and public names are words like others", async () => {
    await setEnv({ SOME_TOKEN: "word", SIGNING_PUBLIC_KEY: "publicly known" });
    expect(redactText("a word that is publicly known")).toBe("a word that is publicly known");
  });
});

/** Pieces that the rules react to, in any order. */
const nasty = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ..."\"'\\ \n=:>@/?&#;,.-_{}[]<",
        "password",
        "token",
        "secret=",
        "api_key: ",
        "Authorization: ",
        "Bearer ",
        "Basic ",
        "Cookie: ",
        "--token ",
        "://",
        "https://",
        "postgres://",
        "user:",
        "?sig=",
        "&token=",
        "ghp_",
        "npm_",
        "sk-",
        "eyJ",
        "AKIA",
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "[redacted:secret]",
        "[redacted:",
        "]",
        "\\n",
        '\\"',
        "Abc12345",
        "MC4CAQAwBQYDK2VwBCIEIabcdefgh",
        "aB3dE6gH9kL2mN5pQ8sT",
        "word",
        "x".repeat(20),
      ),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(""));

test("what is no key of AWS makes no secret of what stands beside it", () => {
  const beside = `/${"aB3dE5".repeat(6)}gH7`;
  for (const key of ["AKIAIOSFODNN7EXAMPLE", "xAKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLEQ"]) {
    const known = redactText(key) !== key;
    expect(redactText(`${key} ${beside}`).includes(beside)).toBe(!known);
  }
});

test("twice is once", () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const once = redactText(text);
      expect(redactText(once)).toBe(once);
      const json = redactJson({ [text]: [text], token: text });
      expect(redactJson(json)).toEqual(json);
    }),
    { numRuns: 2000 },
  );
});

test("lines stay where they are, and hide no less", () => {
  const piece = fc.oneof(nasty, fc.constantFrom("\n", "\r\n", `\n${rsaPem}`, rsaPem.slice(0, 300)));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.map((piece, at) => `${piece}\nplain line ${at}\n`).join("");
      const lines = text.split("\n");
      const shown = redactLines(text).split("\n");
      expect(shown).toHaveLength(lines.length);
      for (const [at, line] of lines.entries()) {
        // Between the two ends of a key nothing is shown.
        if (line.startsWith("plain line ")) expect([line, ""]).toContain(shown[at]);
      }
      expect(redactText(shown.join("\n"))).toBe(shown.join("\n"));
      expect(shown.join("\n")).not.toContain(rsaPem.slice(70, 120));
    }),
    { numRuns: 1000 },
  );
});

/** The same for values whose keys and types agree, whatever their strings. */
function shape(value: unknown): unknown {
  if (typeof value === "string") return "";
  if (Array.isArray(value)) return value.map(shape);
  if (value === null || typeof value !== "object") return value;
  return Object.values(value).map(shape);
}

/** Whether keys become the same: in a text nobody can tell them apart, and a parser keeps the last. */
function collide(value: unknown): boolean {
  if (value === null || typeof value !== "object") return false;
  const keys = Object.keys(value);
  const distinct = new Set(keys.map(redactText)).size === keys.length;
  return (!Array.isArray(value) && !distinct) || Object.values(value).some(collide);
}

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    nasty,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(nasty, fc.constantFrom("token", "name", "value", "__proto__")),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
})).value;

test("JSON keeps its shape, and JSON text stays JSON of the same shape", () => {
  fc.assert(
    fc.property(json, (value) => {
      const plain = JSON.parse(JSON.stringify(value));
      expect(shape(redactJson(plain))).toEqual(shape(plain));
      fc.pre(!collide(plain));
      const text = redactText(JSON.stringify(plain));
      expect(shape(JSON.parse(text))).toEqual(shape(plain));
      // Twice quoted, as a provider's answer in a log line is.
      const quoted = redactText(JSON.stringify({ body: JSON.stringify(plain) }));
      expect(shape(JSON.parse(JSON.parse(quoted).body))).toEqual(shape(plain));
    }),
    { numRuns: 1000 },
  );
});

test("deep JSON is cut, not a stack overflow", () => {
  let deep: unknown = "ghp_aB3dE6gH9kL2mN5pQ8sT";
  for (let i = 0; i < 50_000; i++) deep = [deep];
  expect(JSON.stringify(redactJson(deep))).toContain("[redacted:too-deep]");
});

test.each([
  "a",
  "aB3",
  "eyJ",
  "eyJhbGciOiJ.",
  "://",
  "a://b",
  "postgres://",
  "-----BEGIN PRIVATE KEY-----\n",
  "password=",
  'password="',
  "token:'",
  "token\\\\",
  "-",
  "--key ",
  "x-",
  "authorization:",
  "cookie: a ",
  " ",
  "?a=",
  "&token=a",
  "ghp_",
  "github_pat_",
  "MIIEaaaaaaaaaaaaaaaaaaaa -----END PRIVATE KEY-----",
  "bearer aaaaaaaa ",
  "basic ",
  "token=a.",
  "\\",
  '"',
  "AKIA",
  "[redacted:",
])("a long text of %j takes no longer than its length", async (piece) => {
  const text = piece.repeat(Math.ceil(300_000 / piece.length));
  // A quadratic search takes minutes; a linear one 0.2 s.
  expect(await processorMs(() => redactText(text))).toBeLessThan(5000);
});

test.each([
  ["dots in a token", `eyJ${"a".repeat(20)}${".".repeat(150_000)}a`],
  ["signs in a parameter", `?key=1aA${"!".repeat(150_000)}a`],
  ["backslashes before an end", `${"\\".repeat(65_000)}-----END PRIVATE KEY-----`.repeat(4)],
])("a long run of %s takes no longer than its length", async (_, text) => {
  expect(await processorMs(() => redactText(text))).toBeLessThan(5000);
});
