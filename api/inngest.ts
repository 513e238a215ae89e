import { serve } from "inngest/edge";
import { functions } from "#functions/index.ts";
import { inngest } from "#lib/events/client.ts";

const handler = serve({ client: inngest, functions });

/** Where Inngest calls our functions; Web-standard, as Vercel's Node functions take it. */
export { handler as GET, handler as POST, handler as PUT };
