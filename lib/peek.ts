/** An iterator whose first result was taken already, to see whether there is one, as if it had not been. */
export async function* resumed<T>(
  first: IteratorResult<T>,
  rest: AsyncGenerator<T>,
): AsyncGenerator<T> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
