import type { BenchContext } from "./bench-context.ts";
import { type BenchChild, startChild } from "./child.ts";
import type { StreamNode } from "./stream-node.ts";

/** Two processes with a bare libp2p stream from one to the other. */
export interface StreamPair {
  readonly sender: BenchChild<StreamNode>;
  readonly receiver: BenchChild<StreamNode>;
}

export async function startStreamPair(context: BenchContext): Promise<StreamPair> {
  const [sender, receiver] = await Promise.all([
    startChild<StreamNode>(context, "stream-node"),
    startChild<StreamNode>(context, "stream-node"),
  ]);
  await sender.call("start", { folder: context.makeFolder() });
  const { addresses } = await receiver.call("start", { folder: context.makeFolder() });
  const [address = ""] = addresses;
  await sender.call("dial", { address });
  return { sender, receiver };
}
