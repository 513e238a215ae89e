/** One of the reasons in a 422. https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api */
export interface Reason {
  readonly resource: string;
  readonly field?: string;
  readonly code:
    | "missing"
    | "missing_field"
    | "invalid"
    | "already_exists"
    | "unprocessable"
    | "custom";
  readonly message?: string;
}

/** A refusal in GitHub's own form. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly status: number;
  readonly reasons: readonly Reason[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    reasons: readonly Reason[] = [],
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.status = status;
    this.reasons = reasons;
    this.headers = headers;
  }

  response(): Response {
    const body = {
      message: this.message,
      ...(this.reasons.length > 0 && { errors: this.reasons }),
      documentation_url: "https://docs.github.com/rest",
      status: String(this.status),
    };
    return Response.json(body, { status: this.status, headers: this.headers });
  }
}

export const notFound = () => new Refusal(404, "Not Found");
export const unprocessable = (message: string) => new Refusal(422, message);
export const invalid = (...reasons: Reason[]) => new Refusal(422, "Validation Failed", reasons);
/** For what GitHub has and this server has not. */
export const notImplemented = (what: string) =>
  new Refusal(501, `The local GitHub does not do this: ${what}`);
