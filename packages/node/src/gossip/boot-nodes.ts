import { multiaddr } from "@multiformats/multiaddr";
import { GossipError } from "./gossip-error.ts";
import type { GossipLibp2p } from "./node.ts";
import { createRedial, type Redial, type RedialOptions, type RedialTarget } from "./redial.ts";

/** More than a dial takes. */
const YIELD_MS = 300;

/** Keeps a node connected to its boot nodes. */
export function createBootRedial(
  libp2p: GossipLibp2p,
  targets: readonly RedialTarget[],
  options: RedialOptions & { readonly onFailed: (address: string, error: unknown) => void },
): Redial {
  return createRedial(targets, options, {
    self: libp2p.peerId.toString(),
    isConnected: (peerId) => libp2p.getPeers().some((each) => each.toString() === peerId),
    yieldMs: (address) => (isBefore(libp2p, address) ? 0 : YIELD_MS),
    dial: (address) => dial(libp2p, address),
    onFailed: options.onFailed,
  });
}

/** A multiaddr with the peer id that it names; throws a GossipError `bad-address` for none. */
export function toTarget(address: string): RedialTarget {
  try {
    const components = multiaddr(address).getComponents();
    return { address, peerId: components.find((each) => each.name === "p2p")?.value };
  } catch (cause) {
    throw new GossipError(
      "bad-address",
      `${address} is no multiaddr: write it like /ip4/192.0.2.1/tcp/4600`,
      { cause },
    );
  }
}

/** The peer that answers at an address: this node itself where the address is its own. */
async function dial(libp2p: GossipLibp2p, address: string): Promise<string> {
  try {
    return (await libp2p.dial(multiaddr(address))).remotePeer.toString();
  } catch (error) {
    if (error instanceof Error && error.name === "InvalidPeerIdError") {
      return libp2p.peerId.toString();
    }
    throw error;
  }
}

/** Whether this node listens on an address that sorts before: a rule that two nodes share. */
function isBefore(libp2p: GossipLibp2p, address: string): boolean {
  return libp2p.getMultiaddrs().some((own) => own.toString() < address);
}
