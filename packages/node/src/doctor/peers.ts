import { networkInterfaces } from "node:os";
import { createClient } from "@mach/api";
import { fail, ok, type Verdict, warn } from "./finding.ts";
import type { Check, Patient } from "./patient.ts";
import { urlOf } from "./ports.ts";
import { accepts } from "./surroundings.ts";

const TIMEOUT_MS = 3_000;

/** Whether peers can be reached, and whether the node, where it runs, has any. */
export const peersCheck: Check = {
  name: "peers",
  async run(patient) {
    const { gossip } = patient.config;
    const own = await countPeers(patient);
    // Nodes of one network share a list of boot nodes, and each may be in it.
    const addresses = gossip.bootNodes
      .map(parseAddress)
      .filter(({ host, port }) => port !== gossip.port || !isOwnAddress(host));
    const reached = await Promise.all(
      addresses.map(async (address) => ({
        ...address,
        isReached: await accepts(address, gossip.requestTimeoutMs),
      })),
    );
    return [...judgeBootNodes(reached), ...(own === null ? [] : [own])];
  },
};

interface Reached {
  readonly host: string;
  readonly port: number;
  readonly isReached: boolean;
}

function judgeBootNodes(nodes: readonly Reached[]): readonly Verdict[] {
  const about = "boot nodes";
  if (nodes.length === 0) {
    const found =
      "the configuration names no boot node but this one: it connects to nobody by itself";
    return [warn({ about, code: "no-boot-node", found, next: "set gossip.bootNodes" })];
  }
  const silent = nodes.filter(({ isReached }) => !isReached);
  const count = `${nodes.length - silent.length} of ${nodes.length} accept a connection`;
  if (silent.length === 0) return [ok(count, about)];
  const names = silent.map(({ host, port }) => `${host}:${port}`).join(", ");
  const found = `${count}; not ${names}`;
  const next = "let TCP to them through the firewall, or ask who runs them for newer addresses";
  const level = silent.length === nodes.length ? fail : warn;
  return [level({ about, code: "boot-nodes-unreachable", found, next })];
}

async function countPeers({ config, folder }: Patient): Promise<Verdict | null> {
  const { api } = config;
  if (folder.state !== "locked" || api === undefined || api.port === 0) return null;
  const client = createClient({ baseUrl: urlOf(api.host, api.port), timeoutMs: TIMEOUT_MS });
  const asked = await client.get("health", {});
  // That the API does not answer is told with its port.
  if (!asked.ok) return null;
  const { peers } = asked.answer.data;
  const about = "connected";
  if (peers > 0) return ok(`the node that runs has ${peers} peer(s)`, about);
  const next = "open gossip.port for TCP from outside, and look at the boot nodes";
  return fail({ about, code: "no-peers", found: "the node that runs has no peer", next });
}

function isOwnAddress(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return own.some(({ address }) => address === host);
}

/** The configuration takes no multiaddr of another shape. */
function parseAddress(multiaddr: string): { readonly host: string; readonly port: number } {
  const [, , host = "", , port = ""] = multiaddr.split("/");
  return { host, port: Number(port) };
}
