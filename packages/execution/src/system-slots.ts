import type { Hex } from "@mach/core";
import type { Header } from "@mach/rollups/header";

const RING_LENGTH = 8191n;

/**
 * What a block touches beside its transactions, by address: the ring buffers of EIP-4788 and
 * EIP-2935, the request queues of EIP-7002 and EIP-7251, the fee recipient, and the OP Stack's
 * L1 attributes, fee vaults and message passer.
 */
export function slotsOfSystem(header: Header): ReadonlyMap<Hex, readonly Hex[]> {
  const { timestamp, number, miner } = header;
  const beacon = timestamp % RING_LENGTH;
  return new Map<Hex, readonly Hex[]>([
    ["0x000f3df6d732807ef1319fb7b8bb8522d0beac02", [word(beacon), word(beacon + RING_LENGTH)]],
    ["0x0000f90827f1c53a10cb7a02335b175320002935", [word((number - 1n) % RING_LENGTH)]],
    ["0x00000961ef480eb55e80d19ad83579a64c007002", [0n, 1n, 2n, 3n].map(word)],
    ["0x0000bbddc7ce488642fb579f8b00f3a590007251", [0n, 1n, 2n, 3n].map(word)],
    ["0x4200000000000000000000000000000000000015", [1n, 3n, 5n, 6n, 7n, 8n].map(word)],
    ["0x4200000000000000000000000000000000000016", []],
    ["0x4200000000000000000000000000000000000019", []],
    ["0x420000000000000000000000000000000000001a", []],
    ["0x420000000000000000000000000000000000001b", []],
    [miner, []],
  ]);
}

function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
