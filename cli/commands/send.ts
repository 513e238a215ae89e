import { randomUUID } from "node:crypto";
import { Inngest } from "inngest";
import * as z from "zod";
import { within } from "#lib/deadline.ts";
import { INBOUND } from "#lib/events/catalogue.ts";
import type { Context } from "../context.ts";
import { EXIT, Failure } from "../exit.ts";
import { readInput } from "../input.ts";
import { say, sayJson } from "../output.ts";
import type { Settings } from "../settings.ts";

const TIMEOUT_MS = 15_000;

/** Checks an event against the catalogue and sends it to Inngest, as any other system would. */
export async function send(
  name: string,
  options: { data: string; id?: string },
  { settings, json }: Context,
): Promise<void> {
  const type = INBOUND.find((known) => known.name === name);
  if (!type) {
    const names = INBOUND.map((known) => known.name).sort();
    throw new Failure(
      EXIT.usage,
      `There is no event ${name} to send. These are:\n${names.join("\n")}`,
    );
  }
  const { data, error } = type.schema.safeParse(await given(options.data));
  if (error) throw new Failure(EXIT.usage, `This is no ${name}.\n${z.prettifyError(error)}`);
  const id = options.id ?? `${name}:${randomUUID()}`;
  const client = clientOf(settings);
  try {
    await within(TIMEOUT_MS, () => client.send({ id, name, data }));
  } catch {
    const where = settings.inngest ?? "Inngest";
    throw new Failure(EXIT.unreachable, `${where} did not take the event. Is it running?`);
  }
  if (json) sayJson({ eventId: id });
  else say(`sent ${id}`);
}

function clientOf({ inngest: baseUrl, eventKey }: Settings): Inngest {
  const id = "countersign-cli";
  if (baseUrl) return new Inngest({ id, isDev: true, baseUrl });
  if (eventKey) return new Inngest({ id, isDev: false, eventKey });
  throw new Failure(
    EXIT.usage,
    "Where is Inngest? Say --inngest <url>, set INNGEST_EVENT_KEY, or run npm start.",
  );
}

/** JSON as it was typed, of a file (`@path`), or of stdin (`-`). */
async function given(data: string): Promise<unknown> {
  const said = await sourceOf(data);
  try {
    return JSON.parse(said);
  } catch (error) {
    throw new Failure(EXIT.usage, `--data is not JSON: ${(error as Error).message}`);
  }
}

async function sourceOf(data: string): Promise<string> {
  if (data === "-") return await readInput("-");
  return data.startsWith("@") ? await readInput(data.slice(1)) : data;
}
