/** What strace saw a node do. */
export type TraceEvent =
  | { readonly at: number; readonly kind: "record synced" | "watermark synced" }
  /** Begun, whether or not it had ended by the next event. */
  | { readonly at: number; readonly kind: "sent"; bytes: number };

const LINE = /^(\d+) +(\d+\.\d+) (.*)$/;
const RETURNED = / = (\d+)(?: \(.*\))?$/;

/**
 * The events of a trace made with `-f -ttt -yy`, in order: a sync where the call returned, a send
 * where it began. Times are seconds since 1970.
 */
export function traceEvents(
  trace: string,
  isSend: (call: string) => boolean,
): readonly TraceEvent[] {
  const events: TraceEvent[] = [];
  const unfinished = new Map<string, { readonly call: string; readonly sent: TraceEvent | null }>();
  for (const line of trace.split("\n")) {
    const [, thread = "", time = "", text = ""] = LINE.exec(line) ?? [];
    const at = Number(time);
    const begun = text.includes(" resumed>") ? unfinished.get(thread) : undefined;
    const returned = RETURNED.exec(text)?.[1];
    const bytes = Number(returned ?? 0);
    if (begun !== undefined) {
      unfinished.delete(thread);
      if (begun.sent?.kind === "sent") begun.sent.bytes = bytes;
      const kind = returned === undefined ? null : syncOf(begun.call);
      if (kind !== null) events.push({ at, kind });
      continue;
    }
    const sent: TraceEvent | null = isSend(text) ? { at, kind: "sent", bytes } : null;
    if (sent !== null) events.push(sent);
    if (text.endsWith("<unfinished ...>")) unfinished.set(thread, { call: text, sent });
    const kind = returned === undefined ? null : syncOf(text);
    if (kind !== null) events.push({ at, kind });
  }
  return events;
}

/** Whether a call writes to a TCP socket whose other end is this port. */
export function isSendTo(port: number): (call: string) => boolean {
  return (call) => {
    const ends = /^(?:write|writev|sendto|sendmsg)\(\d+<TCP(?:v6)?:\[(.*?)\]>/.exec(call)?.[1];
    return ends?.endsWith(`:${port}`) ?? false;
  };
}

function syncOf(call: string): "record synced" | "watermark synced" | null {
  if (/^(?:fsync|fdatasync)\(\d+<[^>]*protection\/data\.mdb>/.test(call)) return "record synced";
  // Through a descriptor that writes synchronously.
  if (/^pwrite64\(\d+<[^>]*protection\.watermark>/.test(call)) return "watermark synced";
  return null;
}
