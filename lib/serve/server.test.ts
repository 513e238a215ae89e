import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { listen } from "./server.ts";

const open = { port: 0, host: "127.0.0.1" };

test("a connection on which nothing was ever sent does not hold it up", async () => {
  const server = await listen(() => new Response("here"), open);
  const silent = connect(Number(new URL(server.url).port), open.host);
  await once(silent, "connect");
  const gone = once(silent, "close");
  silent.resume();
  // Connections are taken in their order: once this one has its answer, that one is there.
  expect(await (await fetch(server.url)).text()).toBe("here");
  expect(await server.stop(600_000)).toBe(0);
  await gone;
});
