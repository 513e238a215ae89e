import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that Linux (from 32768), macOS and Windows (from 49152) hand out by themselves: a port from among those
 * could become some connection's own before the part that it was meant for listens on it, or while that part restarts.
 */
const LOWEST = 15_000;
const HIGHEST = 32_000;
const MAX_TRIES = 50;

/** A TCP port that nobody listens on at 127.0.0.1, for a part whose address others must know before it is up. */
export async function freePort(): Promise<number> {
  for (let n = 0; n < MAX_TRIES; n++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  throw new Error(
    `${MAX_TRIES} ports between ${LOWEST} and ${HIGHEST} were tried, and all are in use.`,
  );
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return false;
    throw error;
  }
  server.close();
  await once(server, "close");
  return true;
}
