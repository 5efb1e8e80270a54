import { generateKeyPair } from "@libp2p/crypto/keys";
import type { Connection, PeerId } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { expect, it } from "vitest";
import { createDeparted } from "../../src/gossip/departed.ts";

type Libp2p = Parameters<typeof createDeparted>[0];

async function newPeerId(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair("Ed25519"));
}

it("whoever left is forgotten after a while, and whoever is back is not", async () => {
  const [gone, back, late] = await Promise.all([newPeerId(), newPeerId(), newPeerId()]);
  const forgotten: string[] = [];
  const deleted: string[] = [];
  const libp2p = {
    getConnections: (peer) => (back.equals(peer) ? [{} as Connection] : []),
    peerStore: {
      async delete(peer) {
        deleted.push(peer.toString());
      },
    } as Pick<Libp2p["peerStore"], "delete"> as Libp2p["peerStore"],
  } satisfies Libp2p;
  let now = 0;
  const departed = createDeparted(libp2p, { forget: (peer) => forgotten.push(peer) }, () => now);
  departed.add(gone.toString());
  departed.add(back.toString());
  now = 20_000;
  departed.add(late.toString());
  departed.sweep();
  expect(forgotten).toEqual([]);
  now = 30_000;
  departed.sweep();
  expect(forgotten).toEqual([gone.toString()]);
  expect(deleted).toEqual([gone.toString()]);
  now = 60_000;
  departed.sweep();
  departed.sweep();
  expect(forgotten).toEqual([gone.toString(), late.toString()]);
});
