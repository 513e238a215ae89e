import fc from "fast-check";
import { expect, test } from "vitest";
import { originOf } from "./origin.ts";

test.each([
  ["shop-1a2b.vercel.app", "https://shop-1a2b.vercel.app"],
  ["https://shop.example.com/", "https://shop.example.com"],
  ["127.0.0.1:4000", "http://127.0.0.1:4000"],
  ["localhost:4000", "http://localhost:4000"],
  ["[::1]:4000", "http://[::1]:4000"],
  // No port: not what a local server gives.
  ["127.0.0.1", "https://127.0.0.1"],
  ["127.0.0.1.example.com:4000", "https://127.0.0.1.example.com:4000"],
  ["localhost.example.com:4000", "https://localhost.example.com:4000"],
])("%s is at %s", (host, origin) => {
  expect(originOf(host)).toBe(origin);
});

test("it is an origin, the same again, and http on loopback alone", () => {
  fc.assert(
    fc.property(fc.domain(), fc.option(fc.integer({ min: 1, max: 65_535 })), (domain, port) => {
      const origin = originOf(port === null ? domain : `${domain}:${port}`);
      expect(origin).toMatch(/^https:/);
      expect(originOf(origin)).toBe(origin);
    }),
  );
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }), (ip, port) => {
      const loopback = ip.startsWith("127.");
      expect(originOf(`${ip}:${port}`).startsWith("http:")).toBe(loopback);
    }),
  );
});
