import * as z from "zod";
import { redactText } from "../redact.ts";
import { vercel } from "./client.ts";

/** What a reader needs to see why a build failed is at the end. */
const MAX_LOG_BYTES = 8 * 1024;
/** Lines that are asked for: shorter ones fill the rest of the 8 KB. */
const MAX_EVENTS = 500;

const said = z.object({ text: z.string().nullish() });
const events = z.array(
  said.extend({ created: z.number().nullish(), payload: said.nullish() }).nullable(),
);

/** The last 8 KB of what a deployment's build printed, redacted. Throws NotFound when there is no such deployment. */
export async function buildLog(id: string, signal: AbortSignal): Promise<string> {
  const newestFirst = await vercel({
    what: `read the build log of the deployment ${id}`,
    ...{ signal, answer: events },
    ask: ({ sdk, core, team, options }) =>
      sdk.deploymentsGetDeploymentEvents(
        core,
        {
          ...{ idOrUrl: id, ...team },
          ...{ direction: "backward" as const, limit: MAX_EVENTS, builds: 1 },
        },
        options,
      ),
  });
  const lines = newestFirst.toReversed().flatMap((event) => {
    const text = event?.text ?? event?.payload?.text;
    return text ? [text.replace(/\n$/, "")] : [];
  });
  return tailOf(redactText(lines.join("\n")));
}

/** The end of a text, from the beginning of a line where there is one. */
function tailOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_LOG_BYTES) return text;
  const tail = bytes.subarray(bytes.length - MAX_LOG_BYTES);
  const line = tail.indexOf(0x0a);
  return tail.subarray(line === -1 ? 0 : line + 1).toString("utf8");
}
