import { setTimeout as sleep } from "node:timers/promises";
import { mintLocalToken } from "#lib/auth/local.ts";
import type { Cloud } from "./cloud.ts";

/** A file as the API tells it; only what the demo and the tests look at. */
export interface ApiFile {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly status: "pending" | "uploaded" | "ingesting" | "ingested" | "rejected";
  readonly chunkCount: number | null;
  readonly rejectCode: string | null;
  readonly rejectReason: string | null;
  readonly createdAt: string;
  readonly ingestedAt: string | null;
}

export interface ApiHit {
  readonly type: string;
  readonly file: string;
  readonly fileId: string;
  /** Of code, which has no file of ours. */
  readonly path?: string;
  readonly pageStart: number | null;
  readonly pageEnd: number | null;
  readonly heading: string;
  readonly score: number;
  readonly text: string;
}

/** A version of an artifact; `citations` open to file and page. */
export interface ApiArtifact {
  readonly id: string;
  readonly runId: string | null;
  readonly kind: string;
  readonly version: number;
  readonly stale: boolean;
}

/** Of a file or, with `type` code, of lines of a repository, which has none of a file's fields. */
export interface ApiCitation {
  readonly type: "file" | "code";
  readonly ordinal: number;
  readonly fileId: string | null;
  readonly fileName: string;
  readonly chunkId: string | null;
  readonly chunkSha256: string;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly pageStart: number | null;
  readonly pageEnd: number | null;
  readonly quote: string;
  readonly outdated: boolean;
}

export interface ApiRun {
  readonly id: string;
  readonly status: string;
  readonly attempt: number;
  readonly error: string | null;
  readonly remediation: string | null;
  readonly result: unknown;
}

const ENDED = new Set(["Completed", "Failed", "Cancelled"]);

type Addresses = Pick<Cloud, "appUrl" | "inngestUrl">;

/** What a person or system outside does with a running cloud, over HTTP alone: for the demo, the benchmarks and the tests. */
export class Client {
  readonly #addresses: Addresses;
  readonly #token: string;

  constructor(addresses: Addresses, token: string) {
    this.#addresses = addresses;
    this.#token = token;
  }

  /** A client of `userId` with a token that this cloud accepts. */
  static async of(userId: string, cloud: Cloud): Promise<Client> {
    process.env.LOCAL_AUTH_SECRET = cloud.env.LOCAL_AUTH_SECRET;
    return new Client(cloud, await mintLocalToken(userId));
  }

  /** Sends events the way any other system does: plain HTTP to Inngest. Returns their ids. */
  async send(...events: readonly { name: string; data: object; id?: string }[]): Promise<string[]> {
    const response = await fetch(`${this.#addresses.inngestUrl}/e/local`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(events),
    });
    if (!response.ok) throw new Error(`events: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { ids: string[] }).ids;
  }

  /** Waits until every run that these events started has ended, and returns how each ended. */
  async runs(eventIds: readonly string[], seconds = 60): Promise<string[]> {
    const statuses = await Promise.all(
      eventIds.map((id) =>
        until(
          `runs of event ${id}`,
          async () => {
            const response = await fetch(
              `${this.#addresses.inngestUrl}/v1/events/${id}/runs`,
            ).catch(() => null);
            if (!response?.ok) return null;
            const { data } = (await response.json()) as { data: { status: string }[] };
            const ended = data.every(({ status }) => ENDED.has(status));
            return data.length > 0 && ended && data.map(({ status }) => status);
          },
          seconds,
        ),
      ),
    );
    return statuses.flat();
  }

  /** One call of the API; throws with the problem document when the answer is an error. */
  async call<T>(method: string, path: string, body?: Uint8Array | object): Promise<T> {
    const raw = body instanceof Uint8Array;
    const response = await fetch(`${this.#addresses.appUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        "content-type": raw ? "application/octet-stream" : "application/json",
      },
      body: raw ? Buffer.from(body) : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }

  upload(projectId: string, name: string, bytes: Uint8Array): Promise<ApiFile> {
    const query = new URLSearchParams({ name });
    return this.call("POST", `/api/projects/${projectId}/files?${query}`, bytes);
  }

  async files(projectId: string): Promise<ApiFile[]> {
    const page = await this.call<{ items: ApiFile[] }>(
      "GET",
      `/api/projects/${projectId}/files?limit=100`,
    );
    return page.items;
  }

  search(projectId: string, q: string, topK = 10): Promise<{ hits: ApiHit[]; warning?: string }> {
    const query = new URLSearchParams({ projectId, q, topK: String(topK) });
    return this.call("GET", `/api/search?${query}`);
  }

  run(runId: string): Promise<ApiRun> {
    return this.call("GET", `/api/runs/${runId}`);
  }

  /** The latest versions, newest first. */
  async artifacts(projectId: string): Promise<ApiArtifact[]> {
    const path = `/api/projects/${projectId}/artifacts?limit=100`;
    return (await this.call<{ items: ApiArtifact[] }>("GET", path)).items;
  }

  artifact(
    id: string,
  ): Promise<ApiArtifact & { content: string; citations: readonly ApiCitation[] }> {
    return this.call("GET", `/api/artifacts/${id}`);
  }
}

/** Looks until `look` finds something, at growing intervals up to 250 ms. Throws after `seconds` with what `what` says. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | null | false>,
  seconds = 60,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (let pause = 10; ; pause = Math.min(pause * 2, 250)) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(pause);
  }
}
