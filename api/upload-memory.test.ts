import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { mintLocalToken } from "#lib/auth/local.ts";
import { startPartProcess } from "#local/process.ts";
import { bytes, startTestApi } from "../test/servers/api.ts";

const MB = 1024 * 1024;
const APP = new URL("../local/app/main.ts", import.meta.url).pathname;

/** Resident memory of a process, in bytes. */
async function residentOf(pid: number | undefined): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout) * 1024;
}

it("an upload costs little memory however large it is", async () => {
  const api = await startTestApi();
  // In a process of its own, because the client that makes the bytes has memory too.
  // Its garbage is collected at once: what only lies about would be counted as what is held.
  const nodeFlags = ["--min-semi-space-size=1", "--max-semi-space-size=1"];
  const app = await startPartProcess(APP, { dir: ".", nodeFlags });
  try {
    const json = { name: "Large", slug: "large" };
    const { id } = (await api.call("POST", "/api/projects", { as: "ann", json })).json;
    const authorization = `Bearer ${await mintLocalToken("ann")}`;
    const upload = async (size: number): Promise<number> => {
      let peak = 0;
      const sent = fetch(`${app.url}/api/projects/${id}/files?name=${size}.bin`, {
        method: "POST",
        headers: { authorization },
        body: bytes(size),
        duplex: "half",
      });
      let settled = false;
      const settle = () => {
        settled = true;
      };
      sent.then(settle, settle);
      while (!settled) peak = Math.max(peak, await residentOf(app.child.pid));
      expect((await sent).status).toBe(201);
      return peak;
    };
    // The first brings in what is loaded once and what the garbage collector lets lie about.
    const small = await upload(20 * MB);
    const large = await upload(90 * MB);
    const grown = Math.round((large - small) / MB);
    expect(grown, `memory grew by ${grown} MB`).toBeLessThan(20);
  } finally {
    await app.close();
    await api.close();
  }
}, 60_000);
