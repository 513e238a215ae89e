import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { bodyLimit } from "hono/body-limit";
import type * as z from "zod";
import { faulty, problem } from "./faults.ts";
import { bookHead, bookOptions, newFault, newObject } from "./schemas.ts";
import type { LedgerObject, LedgerStore } from "./store.ts";

const MAX_BODY_BYTES = 256 * 1024;
const MAX_OBJECTS = 1000;

type Ctx = Context<{ Bindings: HttpBindings }>;

/** The service over HTTP; see README.md. Paths that begin with `_` are for whoever tests against it. */
export function routes(store: LedgerStore, token: string): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.use(bearerAuth({ token }));
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }));

  const struck = (c: Ctx, what: "create" | "read", work: (readDelayMs: number) => Response) =>
    faulty(store.takeFault(bookOf(c), what), c.env.incoming, work);

  app.get("/books/:book", (c) => {
    return struck(c, "read", () => c.json({ book: bookOf(c), head: store.head(bookOf(c)) }));
  });

  app.put("/books/:book/head", async (c) => {
    const { head } = await body(c, bookHead);
    store.moveHead(bookOf(c), head);
    return c.json({ book: bookOf(c), head });
  });

  app.get("/books/:book/objects", (c) => {
    return struck(c, "read", () => {
      const objects = store.objects(bookOf(c), c.req.query("marker"), MAX_OBJECTS);
      return c.json({ objects: objects.map((object) => told(c, object)) });
    });
  });

  app.get("/_books/:book/objects", (c) => {
    const objects = store.everything(bookOf(c), MAX_OBJECTS);
    return c.json({ objects: objects.map((object) => told(c, object)) });
  });

  app.post("/books/:book/objects", async (c) => {
    const object = await body(c, newObject);
    return await struck(c, "create", (readDelayMs) => {
      const made = store.create(bookOf(c), object, readDelayMs);
      if ("id" in made) return c.json(told(c, made), 201);
      const { code, head } = made;
      return problem(409, code, `${object.name} was not created: ${code}`, {}, { head });
    });
  });

  app.put("/_books/:book", async (c) => {
    const options = await body(c, bookOptions);
    store.allowDuplicates(bookOf(c), options.allowDuplicates);
    return c.json(options);
  });

  app.put("/_faults", async (c) => {
    const fault = await body(c, newFault);
    store.addFault(fault);
    return c.json(fault);
  });

  app.delete("/_faults/:book", (c) => {
    store.clearFaults(bookOf(c));
    return c.body(null, 204);
  });

  app.notFound((c) => problem(501, "not_implemented", `${c.req.method} ${c.req.path}`));
  app.onError((error) => {
    // What Hono's own middleware refuses with, such as 401, is an answer already.
    if ("getResponse" in error) return error.getResponse();
    if (error instanceof BadBody) return problem(422, "invalid", error.message);
    console.error("ledger:", error);
    return problem(500, "internal", "internal error");
  });
  return app;
}

const bookOf = (c: Ctx) => c.req.param("book") ?? "";

/** Reads the rest off, because an answer to a caller that is still sending may not arrive. */
async function tooLarge(c: Context): Promise<Response> {
  await c.req.raw.body?.pipeTo(new WritableStream());
  return problem(413, "too_large", `the body has more than ${MAX_BODY_BYTES} bytes`);
}

/** An object as readers see it, with the address that a person can open. */
function told(c: Ctx, object: LedgerObject): LedgerObject & { url: string } {
  const { origin } = new URL(c.req.url);
  const book = encodeURIComponent(bookOf(c));
  const marker = encodeURIComponent(object.marker);
  return { ...object, url: `${origin}/books/${book}/objects?marker=${marker}` };
}

class BadBody extends Error {}

async function body<T extends z.ZodType>(c: Ctx, schema: T): Promise<z.infer<T>> {
  const json: unknown = await c.req.json().catch(() => {
    throw new BadBody("the body is not JSON");
  });
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new BadBody(`${issue?.path.join(".") || "body"}: ${issue?.message}`);
}
