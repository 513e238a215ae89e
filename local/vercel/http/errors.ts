/** A refusal in Vercel's own form. https://vercel.com/docs/rest-api/reference/errors */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly more: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Record<string, string> = {},
    more: Record<string, unknown> = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.more = more;
  }

  response(): Response {
    const { status, code, message, headers, more } = this;
    return Response.json({ error: { code, message, ...more } }, { status, headers });
  }
}

export const badRequest = (message: string) => new Refusal(400, "bad_request", message);
export const forbidden = () =>
  new Refusal(403, "forbidden", "Not authorized", {}, { invalidToken: true });
export const notFound = (what: string) => new Refusal(404, "not_found", `${what} not found.`);
/** For what Vercel has and this server has not. */
export const notImplemented = (what: string) =>
  new Refusal(501, "not_implemented", `The local Vercel does not do this: ${what}`);
