import { get, type IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";

export interface ReadEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

/** A reader of server-sent events, and what it has read. */
export interface EventReader {
  readonly response: IncomingMessage;
  readonly events: ReadEvent[];
  readonly comments: string[];
  isClosed(): boolean;
  close(): void;
}

/** Reads a stream as the standard says, until it or the test ends. */
export function readEvents(
  address: string,
  options: { readonly headers?: Record<string, string> } = {},
): Promise<EventReader> {
  const events: ReadEvent[] = [];
  const comments: string[] = [];
  let isClosed = false;
  return new Promise((resolve, reject) => {
    const request = get(address, { agent: false, ...options }, (response) => {
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        const blocks = (rest + text).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) readBlock(block, { events, comments });
      });
      // A stream that is cut ends as any other.
      response.on("error", () => {});
      response.on("close", () => {
        isClosed = true;
      });
      const close = (): void => void request.destroy();
      resolve({ response, events, comments, isClosed: () => isClosed, close });
    });
    request.on("error", reject);
    onTestFinished(() => void request.destroy());
  });
}

function readBlock(
  block: string,
  into: { readonly events: ReadEvent[]; readonly comments: string[] },
): void {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) into.comments.push(line);
    else fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const data = fields.get("data");
  if (data === undefined) return;
  into.events.push({
    id: fields.get("id"),
    event: fields.get("event") ?? "",
    data: JSON.parse(data),
  });
}
