/** An answer other than 200: the envelope is `{ error, status }`, as Upstash documents it. */
export class VectorError extends Error {
  /** HTTP status: 400 malformed, 401 token, 404 unknown, 405 method, 413 too large, 422 not acceptable. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "VectorError";
    this.status = status;
  }
}
