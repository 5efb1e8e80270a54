import { get } from "node:http";

/**
 * Reads a node's event stream until the returned function is called; `onFrame` has each frame's
 * text. Rejects where the stream cannot be had.
 */
export function readFrames(
  apiUrl: string,
  topics: string,
  onFrame: (frame: string) => void,
): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const url = `${apiUrl}/v1/events?topics=${topics}`;
    const request = get(url, { agent: false }, (response) => {
      if (response.statusCode !== 200) {
        request.destroy();
        reject(new Error(`the event stream of ${apiUrl} answers ${response.statusCode}`));
        return;
      }
      let rest = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        const frames = (rest + text).split("\n\n");
        rest = frames.pop() ?? "";
        for (const frame of frames) onFrame(frame);
      });
      // It ends with the node; whoever waits for events sees that none come.
      response.on("error", () => undefined);
      resolve(() => void request.destroy());
    });
    request.on("error", reject);
  });
}
