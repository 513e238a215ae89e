import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FileRefused, Unavailable } from "#lib/errors.ts";
import { setEnv } from "../../../test/support/environment.ts";
import { type DownloadOptions, download } from "./download.ts";
import {
  type Address,
  internet,
  internetAndLoopback,
  isPublicAddress,
  type Network,
  networkOfEnvironment,
} from "./network.ts";
import { allowedHosts, checkUrl, hostAllowed } from "./url.ts";

const sha256 = (value: string) => createHash("sha256").update(value).digest("hex");

/** What the file server does next, by path. */
const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {};
const seen: IncomingMessage[] = [];
const server = createServer((request, response) => {
  seen.push(request);
  const route = routes[request.url ?? ""];
  if (route) route(request, response);
  else response.writeHead(404).end();
});
let port: number;
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
  origin = `http://127.0.0.1:${port}`;
});
afterEach(() => {
  seen.length = 0;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const fetchText = (options: Partial<DownloadOptions> & { url: string }) =>
  download(
    {
      maxBytes: 1000,
      timeoutMs: 5000,
      allowHosts: ["127.0.0.1"],
      network: internetAndLoopback,
      ...options,
    },
    (content) => text(content),
  );

/** The error that a download ends with; a success is an error here. */
const failure = (options: Partial<DownloadOptions> & { url: string }) =>
  fetchText(options).then(
    () => expect.unreachable("the download should have failed"),
    (error) => error,
  );

describe("a download", () => {
  it("passes the content on with its size, hash and type", async () => {
    routes["/a.txt"] = (_, response) =>
      response.setHeader("content-type", "Text/Plain; charset=utf-8").end("hello");
    expect(await fetchText({ url: `${origin}/a.txt`, expectedSha256: sha256("hello") })).toEqual({
      size: 5,
      sha256: sha256("hello"),
      mimeType: "text/plain",
      stored: "hello",
    });
    expect(seen[0]?.headers).toMatchObject({ "accept-encoding": "identity" });
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  it("follows redirects, five and not six", async () => {
    for (let hop = 0; hop < 6; hop += 1) {
      routes[`/hop${hop}`] = (_, r) => r.writeHead(302, { location: `/hop${hop + 1}` }).end();
    }
    routes["/hop6"] = (_, response) => response.end("there");
    expect((await fetchText({ url: `${origin}/hop1` })).stored).toBe("there");
    expect(await failure({ url: `${origin}/hop0` })).toMatchObject({ code: "url_refused" });
  });

  it.each([
    ["http://10.0.0.1/", "another scheme's host"],
    ["https://other.example/", "a host that is not allowed"],
    ["https://u:p@127.0.0.1/", "credentials"],
    ["file:///etc/passwd", "a file"],
    ["http://[", "no URL"],
  ])("does not follow a redirect to %s (%s)", async (location) => {
    routes["/away"] = (_, response) => response.writeHead(307, { location }).end();
    const error = await failure({ url: `${origin}/away` });
    expect(error).toMatchObject({ name: "FileRefused", code: "url_refused" });
    expect(seen).toHaveLength(1);
  });

  it("refuses what is too large by its header, and by its bytes when there is no header", async () => {
    let sent = 0;
    routes["/announced"] = (_, r) => r.writeHead(200, { "content-length": "1001" }).end("x");
    routes["/endless"] = (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write("x".repeat(1024))) sent += 1024;
      };
      response.on("drain", more);
      more();
    };
    for (const path of ["/announced", "/endless"]) {
      const error = await failure({ url: origin + path });
      expect(error).toMatchObject({ name: "FileRefused", code: "too_large", retry: false });
    }
    expect(sent).toBeLessThan(50_000_000);
  });

  it("refuses other content than announced, before the sink has its end", async () => {
    routes["/b.txt"] = (_, response) => response.end("other");
    let ended = false;
    const result = download(
      {
        url: `${origin}/b.txt`,
        maxBytes: 10,
        timeoutMs: 5000,
        allowHosts: ["127.0.0.1"],
        expectedSha256: sha256("hello"),
        network: internetAndLoopback,
      },
      async (content) => {
        for await (const _ of content);
        ended = true;
      },
    );
    await expect(result).rejects.toMatchObject({ code: "hash_mismatch" });
    expect(ended).toBe(false);
  });

  it("refuses encoded content", async () => {
    routes["/gz"] = (_, response) => response.setHeader("content-encoding", "gzip").end("x");
    expect(await failure({ url: `${origin}/gz` })).toMatchObject({ code: "url_refused" });
  });

  it.each([
    [404, FileRefused],
    [410, FileRefused],
    [403, FileRefused],
    [204, FileRefused],
    [301, FileRefused],
    [500, Unavailable],
    [503, Unavailable],
    [429, Unavailable],
  ])("takes status %i for %o", async (status, type) => {
    routes["/status"] = (_, response) => response.writeHead(status).end();
    expect(await failure({ url: `${origin}/status` })).toBeInstanceOf(type);
  });

  it("is Unavailable when the connection breaks, is silent, or takes too long", async () => {
    routes["/short"] = (_, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.destroy());
    };
    routes["/silent"] = () => {};
    routes["/stalls"] = (_, response) => void response.write("x");
    routes["/drips"] = (_, response) => {
      const drip = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(drip));
    };
    const cases: Partial<DownloadOptions & { url: string }>[] = [
      { url: `${origin}/short` },
      { url: `${origin}/silent`, idleMs: 50 },
      { url: `${origin}/stalls`, idleMs: 50 },
      { url: `${origin}/drips`, idleMs: 1000, timeoutMs: 200 },
      { url: "http://127.0.0.1:1/" },
    ];
    for (const { url = "", ...options } of cases) {
      expect(await failure({ url, ...options }), url).toBeInstanceOf(Unavailable);
    }
  });

  it("lets an error of the sink through as it is", async () => {
    routes["/a"] = (_, response) => response.end("x");
    const options = { url: `${origin}/a`, maxBytes: 10, timeoutMs: 5000 };
    const sink = () => Promise.reject(new TypeError("disk full"));
    await expect(
      download({ ...options, allowHosts: ["127.0.0.1"], network: internetAndLoopback }, sink),
    ).rejects.toThrow(TypeError);
  });
});

describe("a host name", () => {
  const answers = (...addresses: string[]): Address[] =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  /** The internet with our own names; `http` and any port so that a test server can stand for a public one. */
  const named = (resolve: Network["resolve"], permits = isPublicAddress): Network => ({
    resolve,
    permits,
    refusesUrl: () => null,
  });
  const url = () => `http://files.example.com:${port}/a.txt`;
  const allowHosts = ["files.example.com"];

  it.each([
    ["loopback", ["127.0.0.1"]],
    ["private", ["10.1.2.3"]],
    ["the metadata service", ["169.254.169.254"]],
    ["a public and a private one", ["93.184.215.14", "192.168.0.1"]],
    ["mapped loopback", ["::ffff:127.0.0.1"]],
    ["nothing", []],
  ])("that resolves to %s is refused and not connected to", async (_, addresses) => {
    const error = await failure({
      url: url(),
      allowHosts,
      network: named(async () => answers(...addresses)),
    });
    expect(error).toMatchObject({ name: "FileRefused", code: "url_refused" });
    expect(seen).toHaveLength(0);
  });

  it("is resolved once, and the connection goes to the address that was checked", async () => {
    routes["/a.txt"] = (_, response) => response.end("hello");
    let asked = 0;
    const rebinding = named(
      async () => answers((asked++ === 0 && "127.0.0.1") || "127.0.0.2"),
      (address) => address === "127.0.0.1",
    );
    const { stored } = await fetchText({ url: url(), allowHosts, network: rebinding });
    expect(stored).toBe("hello");
    expect(asked).toBe(1);
    // The next download gets the other answer, which is not allowed.
    const error = await failure({ url: url(), allowHosts, network: rebinding });
    expect(error).toMatchObject({ code: "url_refused" });
  });

  it("that a redirect leads to is checked again", async () => {
    routes["/a.txt"] = (_, r) => r.writeHead(302, { location: "http://inside.example.com/" }).end();
    const network = named(
      async (hostname) => answers(hostname === "files.example.com" ? "127.0.0.1" : "10.0.0.1"),
      (address) => address === "127.0.0.1",
    );
    const error = await failure({ url: url(), allowHosts: ["*.example.com"], network });
    expect(error).toMatchObject({ code: "url_refused" });
    expect(seen).toHaveLength(1);
  });

  it("that does not resolve is Unavailable", async () => {
    const network = named(() => Promise.reject(Object.assign(new Error(), { code: "EAI_AGAIN" })));
    expect(await failure({ url: url(), allowHosts, network })).toBeInstanceOf(Unavailable);
  });
});

describe("checkUrl", () => {
  const hosts = ["files.example.com", "*.example.org", "10.0.0.1", "127.0.0.1", "::1", "8.8.8.8"];

  it.each([
    "https://files.example.com/a?b#c",
    "https://FILES.example.com./a",
    "https://a.b.example.org/",
    "https://8.8.8.8/",
  ])("accepts %s", (url) => expect(checkUrl(url, hosts, internet).protocol).toBe("https:"));

  it.each([
    "",
    "files.example.com/a",
    "http://files.example.com/",
    "ftp://files.example.com/",
    "data:text/plain,x",
    "https://files.example.com:8443/",
    "https://user@files.example.com/",
    "https://:secret@files.example.com/",
    "https://example.org/",
    "https://evilexample.org/",
    "https://files.example.com.evil.net/",
    "https://10.0.0.1/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "http://127.0.0.1/",
  ])("refuses %j", (url) => {
    expect(() => checkUrl(url, hosts, internet)).toThrow(FileRefused);
  });

  it("names the setting when no host is allowed, and never a password", () => {
    expect(() => checkUrl("https://a.example/", [], internet)).toThrow("FILE_URL_HOSTS");
    expect(() => checkUrl("https://me:hunter2@a.example/", [], internet)).not.toThrow("hunter2");
  });
});

describe("addresses", () => {
  it.each(["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:4001:80b::200e"])(
    "%s is public",
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each(
    `127.0.0.1 127.255.255.254 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 169.254.169.254
     0.0.0.0 0.1.2.3 224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 198.18.0.1 192.0.0.1
     ::1 :: fe80::1 fc00::1 fd12::1 ff02::1 fec0::1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1
     64:ff9b::a00:1 64:ff9b:1::1 2002:a00:1:: 2001::1 2001:db8::1 100::1 5f00::1 4000::1
     localhost 1.2.3 fe80::1%eth0`.split(/\s+/),
  )("%s is not", (address) => expect(isPublicAddress(address)).toBe(false));
});

describe("the environment", () => {
  afterEach(() => setEnv({ FETCH_ALLOW_LOOPBACK_HTTP: undefined, VERCEL_ENV: undefined }));

  it("allows this machine only where it says so, and never in a deployment", async () => {
    expect(networkOfEnvironment()).toBe(internet);
    await setEnv({ FETCH_ALLOW_LOOPBACK_HTTP: "1" });
    expect(networkOfEnvironment()).toBe(internetAndLoopback);
    await setEnv({ VERCEL_ENV: "production" });
    expect(networkOfEnvironment).toThrow("FETCH_ALLOW_LOOPBACK_HTTP");
  });

  it("lists hosts by commas", () => {
    expect(allowedHosts(" A.example , ,*.B.example")).toEqual(["a.example", "*.b.example"]);
    expect(allowedHosts("")).toEqual([]);
    expect(hostAllowed("b.example", ["*.b.example"])).toBe(false);
  });
});
