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
    const upload = async (size: number, name: string) => {
      const { status } = await fetch(`${app.url}/api/projects/${id}/files?name=${name}`, {
        method: "POST",
        headers: { authorization },
        body: bytes(size),
        duplex: "half",
      });
      expect(status).toBe(201);
    };
    /** Three at once: what garbage happens to lie about, some 20 MB, is little beside what they would hold. */
    const peakOf = async (size: number): Promise<number> => {
      let peak = 0;
      let settled = false;
      const names = [1, 2, 3].map((n) => `${size}-${n}.bin`);
      const sent = Promise.all(names.map((name, n) => upload(size + n, name))).finally(() => {
        settled = true;
      });
      // Awaited below; a failure before that is no unhandled one.
      sent.catch(() => {});
      while (!settled) peak = Math.max(peak, await residentOf(app.child.pid));
      await sent;
      return peak;
    };
    // The first brings in what is loaded once.
    const small = await peakOf(20 * MB);
    const large = await peakOf(90 * MB);
    const grown = Math.round((large - small) / MB);
    expect(grown, `memory grew by ${grown} of 210 MB`).toBeLessThan(60);
  } finally {
    await app.close();
    await api.close();
  }
}, 60_000);
