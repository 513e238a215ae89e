import * as z from "zod";
import { connectionsOf } from "../data/repos.server.ts";
import { InvalidInput } from "../errors.ts";
import { repoChecked, repoPushed } from "../events/catalogue/repos.ts";
import { event, type OutgoingEvent } from "../events/emit.ts";

/** More projects than this share no repository; each is an event. */
const MAX_CONNECTIONS = 1000;

const Id = z.string().regex(/^[A-Za-z0-9-]{1,100}$/);
const Repository = z.object({ name: z.string(), owner: z.object({ login: z.string() }) });
const Sha = z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/);
const Push = z.object({ ref: repoPushed.schema.shape.ref, after: Sha });
const Checked = {
  check_run: z.object({ check_run: z.object({ head_sha: Sha }) }),
  status: z.object({ sha: Sha }),
  pull_request: z.object({ pull_request: z.object({ head: z.object({ sha: Sha }) }) }),
};

/** A delivery whose signature has been checked. */
export interface Delivery {
  readonly kind: string | undefined;
  readonly delivery: string | undefined;
  /** Its parsed JSON. */
  readonly body: unknown;
}

/** A commit that a ref has moved to, or about which something new is said. */
interface Facts {
  readonly ref?: string;
  readonly commitSha: string;
}

/**
 * The events that a delivery of GitHub's stands for, one for each project that has the repository. Their ids are made of the
 * delivery's, so that one that is sent again is the same. `ignored` says why there are none.
 * Throws InvalidInput for a body that is not what GitHub sends.
 */
export async function eventsOf({
  kind = "",
  delivery,
  body,
}: Delivery): Promise<{ events: OutgoingEvent[]; ignored?: string }> {
  const id = Id.safeParse(delivery);
  if (!id.success) throw new InvalidInput("webhook_delivery", "x-github-delivery is not an id.");
  const facts = factsOf(kind, body);
  if (typeof facts === "string") return { events: [], ignored: facts };
  const { name, owner } = checked(Repository, field(body, "repository"), kind);
  const connections = await connectionsOf({ owner: owner.login, name, limit: MAX_CONNECTIONS });
  if (connections.length === 0) {
    return { events: [], ignored: "The repository is connected to no project." };
  }
  const events = connections.map((connection): OutgoingEvent => {
    const data = { ...connection, commitSha: facts.commitSha };
    const happened =
      facts.ref === undefined
        ? event(repoChecked, data)
        : event(repoPushed, { ...data, ref: facts.ref });
    return { ...happened, id: `github:${id.data}:${connection.repoId}` };
  });
  return { events };
}

function factsOf(kind: string, body: unknown): Facts | string {
  if (kind === "push") {
    const { ref, after: commitSha } = checked(Push, body, kind);
    if (/^0+$/.test(commitSha)) return "The ref was deleted.";
    if (!ref.startsWith("refs/heads/")) return "The ref is no branch.";
    return { ref, commitSha };
  }
  if (kind === "check_run") {
    const { check_run } = checked(Checked.check_run, body, kind);
    return { commitSha: check_run.head_sha };
  }
  if (kind === "status") {
    return { commitSha: checked(Checked.status, body, kind).sha };
  }
  if (kind === "pull_request") {
    const { pull_request } = checked(Checked.pull_request, body, kind);
    return { commitSha: pull_request.head.sha };
  }
  return "Events of this kind are not followed.";
}

function checked<T extends z.ZodType>(schema: T, value: unknown, kind: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const where = result.error.issues.map(({ path }) => path.map(String).join(".")).join(", ");
  throw new InvalidInput("webhook_body", `This is no ${kind} event of GitHub's: look at ${where}.`);
}

function field(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null
    ? (body as Record<string, unknown>)[name]
    : undefined;
}
