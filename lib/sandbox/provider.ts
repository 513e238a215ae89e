import { env, isDeployed } from "../env.ts";
import { localSandboxes } from "./local.ts";
import type { SandboxProvider } from "./port.ts";
import { vercelSandboxes } from "./vercel.ts";

const providers: { vercel?: SandboxProvider; local?: SandboxProvider } = {};

/** Where commands of repositories run: as SANDBOX says, otherwise in Vercel's sandboxes when deployed and on this machine else. */
export function sandboxProvider(): SandboxProvider {
  const where = env().SANDBOX ?? (isDeployed() ? "vercel" : "local");
  if (where === "vercel") {
    providers.vercel ??= vercelSandboxes();
    return providers.vercel;
  }
  providers.local ??= localSandboxes();
  return providers.local;
}
