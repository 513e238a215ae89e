import * as z from "zod";
import { INBOUND, OUTBOUND } from "./catalogue.ts";

export interface EventDescription {
  readonly direction: "inbound" | "outbound";
  /** JSON Schema (2020-12) of the event's `data`. */
  readonly data: Record<string, unknown>;
}

/** The catalogue as JSON Schema, for emitters and followers in any language: event name to description. */
export function eventSchemas(): Record<string, EventDescription> {
  const describe = (
    direction: EventDescription["direction"],
    types: typeof INBOUND | typeof OUTBOUND,
  ) =>
    types.map((type) => {
      const { $schema: _, ...data } = z.toJSONSchema(type.schema);
      return [type.name, { direction, data }] as const;
    });
  return Object.fromEntries([...describe("inbound", INBOUND), ...describe("outbound", OUTBOUND)]);
}
