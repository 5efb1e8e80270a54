import { encodeEvent, eventSchemas, type NodeEvent, parseDocument, TOPIC_NAMES } from "@mach/api";
import { z } from "zod";
import type { EventId } from "../http/node-view.ts";
import { numberSchema } from "../store/documents.ts";
import { openRow, sealRow } from "../store/row.ts";
import { nameKey } from "../store/row-key.ts";

/** An event with its place in the stream. */
export interface PlacedEvent {
  readonly event: NodeEvent;
  readonly id: EventId;
}

const placed = z.strictObject({
  topic: z.enum(TOPIC_NAMES),
  rollupId: numberSchema.nullable(),
  isAfterGap: z.boolean(),
  answer: z.unknown(),
});

/** The row of an event. */
export function sealEvent({ event, id }: PlacedEvent): Uint8Array {
  const { topic, rollupId } = event;
  const answer = encodeEvent(event);
  const document = { topic, rollupId: rollupId?.toString() ?? null, answer };
  return sealRow(keyOf(id), { ...document, isAfterGap: id.isAfterGap });
}

/** The event of a row. Throws a NodeError `row-corrupt`. */
export function openEvent(
  id: Pick<EventId, "run" | "sequence">,
  bytes: Uint8Array,
): PlacedEvent | null {
  const { topic, rollupId, isAfterGap, answer } = openRow(placed, { key: keyOf(id), bytes });
  const parsed = parseDocument<NodeEvent["answer"]>(eventSchemas[topic], answer);
  if (!parsed.ok) return null;
  // The table ties each topic to its answer; over all topics the compiler cannot follow.
  const event = { topic, rollupId, answer: parsed.value } as NodeEvent;
  return { event, id: { ...id, isAfterGap } };
}

function keyOf({ run, sequence }: Pick<EventId, "run" | "sequence">): Uint8Array {
  return nameKey(`${run}-${sequence}`);
}
