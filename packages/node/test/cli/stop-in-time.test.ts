import { expect, it } from "vitest";
import { stopInTime } from "../../src/cli/stop-in-time.ts";

it("says nothing of a stop that is in time", async () => {
  const said: string[] = [];
  await stopInTime(async () => undefined, { say: (line) => said.push(line) });
  expect(said).toEqual([]);
});

it("says that a stop is late while it is, and when it is over", async () => {
  const said: string[] = [];
  let end = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    end = resolve;
  });
  const stopping = stopInTime(() => stopped, { say: (line) => said.push(line), promisedMs: 1 });
  await expect.poll(() => said).toEqual([expect.stringContaining("the same signal again ends it")]);
  end();
  await stopping;
  expect(said).toHaveLength(2);
});

it("passes on why a stop failed", async () => {
  const stop = (): Promise<void> => Promise.reject(new Error("the disk"));
  await expect(stopInTime(stop, { say: () => undefined })).rejects.toThrow("the disk");
});
