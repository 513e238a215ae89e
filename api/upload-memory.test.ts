import { expect, it } from "vitest";
import { bytes, startTestApi } from "../test/servers/api.ts";

const MB = 1024 * 1024;

it("an upload costs little memory however large it is", async () => {
  const api = await startTestApi();
  try {
    const json = { name: "Large", slug: "large" };
    const { id } = (await api.call("POST", "/api/projects", { as: "ann", json })).json;
    const upload = (size: number) =>
      api.call("POST", `/api/projects/${id}/files?name=${size}.bin`, {
        as: "ann",
        body: bytes(size),
      });
    // What is loaded and compiled once does not count.
    await upload(2 * MB);
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss());
    }, 5);
    const answer = await upload(90 * MB);
    clearInterval(watch);
    expect(answer).toMatchObject({ status: 201, json: { sizeBytes: 90 * MB } });
    // Client and server together, in one process.
    const grown = Math.round((peak - before) / MB);
    expect(grown, `memory grew by ${grown} MB`).toBeLessThan(60);
  } finally {
    await api.close();
  }
}, 60_000);
