import { createNativeBls } from "@mach/bls";
import {
  type Claim,
  claimDigest,
  type Hex,
  type SetUpdate,
  setUpdateDigest,
  type WireAttestation,
} from "@mach/core";
import { requestSync } from "../../packages/node/src/gossip/sync.ts";
import type { SyncRequest } from "../../packages/node/src/gossip/sync-wire.ts";
import { MESHSUB, type Outsider } from "../../packages/node/test/gossip/outsider.ts";
import type { Arena, ArenaNode, Member } from "./arena.ts";
import { framed, publication } from "./gossipsub-frames.ts";
import { bindPeer } from "./peer-bindings.ts";

/** A connection of the attacker's over which it sends whatever it likes on the topics. */
export interface MemberPeer {
  readonly outsider: Outsider;
  isOpen(): boolean;
  /** Sends a message as gossipsub would; false once the other side has hung up. */
  send(topic: string, data: Uint8Array): Promise<boolean>;
  /** Makes a request and waits for its answer; false where there was none. */
  request(request: SyncRequest): Promise<boolean>;
  stop(): Promise<void>;
}

const bls = createNativeBls();
const REQUEST_TIMEOUT_MS = 5_000;
const BINDING_LIFETIME_SECONDS = 3_600n;
let sequence = BigInt(Date.now());

/** A peer with a new identity: bound to the member, or to nobody. */
export async function startMemberPeer(
  arena: Arena,
  target: ArenaNode,
  member: Member | null,
): Promise<MemberPeer> {
  const outsider = await arena.outsider();
  const { domain } = arena;
  const expiry = BigInt(Math.floor(Date.now() / 1_000)) + BINDING_LIFETIME_SECONDS;
  sequence += 1n;
  const binding = member && bindPeer(member, outsider, { domain, sequence, expiry });
  const greeted = await outsider.greet(target.address, { binding });
  if (!greeted.ok) throw new Error(`no hello: ${greeted.code}`);
  const [connection] = outsider.libp2p.getConnections();
  if (connection === undefined) throw new Error("no connection");
  const stream = await connection.newStream(MESHSUB);
  const isOpen = (): boolean => connection.status === "open" && stream.status === "open";
  return {
    outsider,
    isOpen,
    async send(topic, data) {
      if (!isOpen()) return false;
      try {
        if (!stream.send(framed(publication(topic, data)))) await drained(stream);
        return true;
      } catch {
        // It was hung up on in the middle of it.
        return false;
      }
    },
    async request(request) {
      const protocol = outsider.names.sync;
      const options = { protocol, domain, timeoutMs: REQUEST_TIMEOUT_MS };
      return (await requestSync(connection, request, options)).ok;
    },
    stop: () => outsider.stop(),
  };
}

type Stream = Awaited<ReturnType<Awaited<ReturnType<Outsider["connect"]>>["newStream"]>>;

async function drained(stream: Stream): Promise<void> {
  await stream.onDrain({ signal: AbortSignal.timeout(5_000) });
}

/** A claim with a member's own signature; of 192 bytes. */
export function signAs(arena: Arena, member: Member, claim: Claim): WireAttestation {
  const digest = claimDigest(arena.domain, claim);
  const { uncompressed } = bls.sign(keyOf(member.secretKey), digest);
  return { claim, operator: member.operator, signature: uncompressed };
}

/** A member's own signature over an update; compressed. */
export function signUpdateAs(
  arena: Arena,
  member: Member,
  update: Pick<SetUpdate, "epoch" | "operatorSetHash">,
): Hex {
  return bls.sign(keyOf(member.secretKey), setUpdateDigest(arena.domain, update)).compressed;
}

/** Points of the right group that are no signature of anything that is sent: 192 bytes each. */
export function strayPoints(member: Member, count: number): readonly Uint8Array[] {
  const key = keyOf(member.secretKey);
  return Array.from({ length: count }, (_, i) => {
    const digest: Hex = `0x${i.toString(16).padStart(64, "f")}`;
    return bls.sign(key, digest).uncompressed;
  });
}

function keyOf(secretKey: Uint8Array): NonNullable<ReturnType<typeof bls.secretKeyFromBytes>> {
  const key = bls.secretKeyFromBytes(secretKey);
  if (key === null) throw new Error("no secret key");
  return key;
}
