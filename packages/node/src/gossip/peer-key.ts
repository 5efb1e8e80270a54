import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from "@libp2p/crypto/keys";
import type { PrivateKey } from "@libp2p/interface";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { GossipError } from "./gossip-error.ts";

/** The key that makes this node's peer id. */
export interface PeerKey {
  readonly privateKey: PrivateKey;
  readonly peerId: string;
}

const FILE_NAME = "peer.key";

/**
 * Reads `<dataDir>/peer.key` (a libp2p private key in protobuf), or makes an Ed25519 key there with
 * mode 0600. Throws a GossipError `bad-peer-key` for a file that holds none.
 */
export async function loadPeerKey(dataDir: string): Promise<PeerKey> {
  const path = join(dataDir, FILE_NAME);
  const bytes = (await readIfPresent(path)) ?? (await create(dataDir, path));
  try {
    const privateKey = privateKeyFromProtobuf(bytes);
    return { privateKey, peerId: peerIdFromPrivateKey(privateKey).toString() };
  } catch (cause) {
    throw new GossipError(
      "bad-peer-key",
      `${path} holds no libp2p key: restore it, or delete it to get a new peer id`,
      { cause },
    );
  }
}

async function create(dataDir: string, path: string): Promise<Uint8Array> {
  await mkdir(dataDir, { recursive: true });
  const bytes = privateKeyToProtobuf(await generateKeyPair("Ed25519"));
  const temporary = join(dataDir, `.${FILE_NAME}-${randomUUID()}`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link appears whole or not at all, and never over the key of a process that was faster.
    await link(temporary, path);
    return bytes;
  } catch (error) {
    const faster = await readIfPresent(path);
    if (faster === null) throw error;
    return faster;
  } finally {
    await unlink(temporary);
  }
}

async function readIfPresent(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
