import http from "node:http";
import https from "node:https";

/** What came of a call to the app. */
export type Answer =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly headers: http.IncomingHttpHeaders;
      readonly body: string;
    }
  /** The app was not there: it saw nothing of the call. */
  | { readonly kind: "refused"; readonly message: string }
  /** The connection ended in the middle: the app may have done some of it. */
  | { readonly kind: "broken"; readonly message: string }
  /** It was there and did not answer as it should: too slow, too much. */
  | { readonly kind: "failed"; readonly message: string };

export interface AppRequest {
  readonly method: "POST" | "PUT";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Deadline for the whole answer. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const NOT_THERE = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "EAI_AGAIN", "ETIMEDOUT"]);

/** HTTP calls to apps, over connections that are kept open. Never rejects. */
export class AppClient {
  readonly #http: http.Agent;
  readonly #https: https.Agent;

  constructor(maxSockets: number) {
    this.#http = new http.Agent({ keepAlive: true, maxSockets });
    this.#https = new https.Agent({ keepAlive: true, maxSockets });
  }

  call(request: AppRequest): Promise<Answer> {
    const secure = request.url.startsWith("https:");
    const body = Buffer.from(request.body);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const sent = (secure ? https : http).request(request.url, {
      method: request.method,
      agent: secure ? this.#https : this.#http,
      headers: {
        "content-type": "application/json",
        "content-length": body.length,
        ...request.headers,
      },
    });
    const deadline = setTimeout(() => {
      resolve({ kind: "failed", message: `no answer within ${request.timeoutMs / 1000} s` });
      sent.destroy();
    }, request.timeoutMs);
    const broken = (error: NodeJS.ErrnoException) => {
      const kind = NOT_THERE.has(error.code ?? "") ? "refused" : "broken";
      resolve({ kind, message: `${request.url}: ${error.message || error.code}` });
    };
    sent.on("error", broken);
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("error", broken);
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= request.maxBytes) chunks.push(chunk);
        else {
          resolve({
            kind: "failed",
            message: `the answer has more than ${request.maxBytes} bytes`,
          });
          sent.destroy();
        }
      });
      response.on("end", () => {
        resolve({
          kind: "answered",
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        });
      });
    });
    sent.end(body);
    return promise.finally(() => clearTimeout(deadline));
  }

  /** Ends every connection; calls under way end as broken. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}
