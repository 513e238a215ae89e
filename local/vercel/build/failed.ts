/** A build that ends in ERROR, with the code and message that the deployment then shows. */
export class BuildFailed extends Error {
  override readonly name = "BuildFailed";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
