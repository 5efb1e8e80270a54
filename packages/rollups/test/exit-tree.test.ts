import { type Hex, keccak256, ZERO_HASH } from "@mach/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { globalExitRoot } from "../src/cdk.ts";
import {
  appendLeaf,
  type BridgeExit,
  EMPTY_EXIT_TREE,
  exitLeaf,
  exitTreeRoot,
  l1InfoLeaf,
  rootOfPath,
} from "../src/exit-tree.ts";
import { readVector } from "./support/vectors.ts";

interface LeafVector {
  readonly originNetwork: number;
  readonly tokenAddress: Hex;
  readonly amount: Hex;
  readonly destinationNetwork: number;
  readonly destinationAddress: Hex;
  readonly metadata: Hex;
  readonly leafValue: Hex;
}

interface CertificateExit {
  readonly token_info: { readonly origin_network: number; readonly origin_token_address: Hex };
  readonly dest_network: number;
  readonly dest_address: Hex;
  readonly amount: string;
  readonly metadata: string | null;
}

interface Proof {
  readonly root: Hex;
  readonly proof: { readonly siblings: readonly Hex[] };
}

interface Certificate {
  readonly prev_local_exit_root: Hex;
  readonly new_local_exit_root: Hex;
  readonly bridge_exits: readonly CertificateExit[];
  readonly imported_bridge_exits: readonly {
    readonly bridge_exit: CertificateExit;
    readonly global_index: { readonly leaf_index: number };
    readonly claim_data: {
      readonly Mainnet: {
        readonly l1_leaf: {
          readonly l1_info_tree_index: number;
          readonly rer: Hex;
          readonly mer: Hex;
          readonly inner: {
            readonly global_exit_root: Hex;
            readonly block_hash: Hex;
            readonly timestamp: number;
          };
        };
        readonly proof_ger_l1root: Proof;
        readonly proof_leaf_mer: Proof;
      };
    };
  }[];
}

const certificates = ["cert_h0", "cert_h1", "n15-cert_h0"].map((name) => ({
  name,
  certificate: readVector<Certificate>(`cdk/agglayer-${name}.json`),
}));
const rootVectors = readVector<
  {
    previousLeafsValues: Hex[];
    currentRoot: Hex;
    newRoot: Hex;
    newLeaf: { currentLeafValue: Hex };
  }[]
>("cdk/exit-tree-root-vectors.json");
const infoVectors = readVector<
  { previousLeafValues: Hex[]; currentRoot: Hex; newRoot: Hex; newLeafValue: Hex }[]
>("cdk/l1-info-tree-root-vectors.json");

function treeOf(leaves: readonly Hex[]) {
  return leaves.reduce(appendLeaf, EMPTY_EXIT_TREE);
}

function toExit(exit: CertificateExit): BridgeExit {
  const { token_info, metadata } = exit;
  return {
    leafType: 0,
    originNetwork: token_info.origin_network,
    originToken: token_info.origin_token_address,
    destinationNetwork: exit.dest_network,
    destination: exit.dest_address,
    amount: BigInt(exit.amount),
    metadataHash: metadata === null ? keccak256("0x") : `0x${metadata}`,
  };
}

describe("an exit's leaf", () => {
  it.each(readVector<LeafVector[]>("cdk/exit-tree-leaf-vectors.json"))(
    "is $leafValue",
    (vector) => {
      const exit: BridgeExit = {
        leafType: 0,
        originNetwork: vector.originNetwork,
        originToken: vector.tokenAddress.toLowerCase() as Hex,
        destinationNetwork: vector.destinationNetwork,
        destination: vector.destinationAddress.toLowerCase() as Hex,
        amount: BigInt(vector.amount),
        metadataHash: keccak256(vector.metadata.toLowerCase() as Hex),
      };
      expect(exitLeaf(exit)).toBe(vector.leafValue);
    },
  );

  it("takes no number that its field cannot hold", () => {
    const exit = toExit(certificates[0]?.certificate.bridge_exits[0] as CertificateExit);
    expect(() => exitLeaf({ ...exit, originNetwork: 2 ** 32 })).toThrow(RangeError);
    expect(() => exitLeaf({ ...exit, amount: 1n << 256n })).toThrow(RangeError);
    expect(() => exitLeaf({ ...exit, destination: ZERO_HASH })).toThrow(RangeError);
  });
});

describe("the tree", () => {
  it.each(rootVectors)("of exits grows to $newRoot", (vector) => {
    const tree = treeOf(vector.previousLeafsValues);
    expect(exitTreeRoot(tree)).toBe(vector.currentRoot);
    expect(exitTreeRoot(appendLeaf(tree, vector.newLeaf.currentLeafValue))).toBe(vector.newRoot);
  });

  it.each(infoVectors)("of L1 info grows to $newRoot", (vector) => {
    const tree = treeOf(vector.previousLeafValues);
    expect(exitTreeRoot(tree)).toBe(vector.currentRoot);
    expect(exitTreeRoot(appendLeaf(tree, vector.newLeafValue))).toBe(vector.newRoot);
  });

  it("is the one whose root is built level by level, whatever its leaves", () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => keccak256(bytes));
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 20 }), (leaves) => {
        let level: readonly Hex[] = leaves;
        let empty: Hex = ZERO_HASH;
        for (let depth = 0; depth < 32; depth++) {
          const pairs = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
            keccak256(`${level[2 * i] ?? empty}${(level[2 * i + 1] ?? empty).slice(2)}` as Hex),
          );
          empty = keccak256(`${empty}${empty.slice(2)}`);
          level = pairs;
        }
        expect(exitTreeRoot(treeOf(leaves))).toBe(level[0] ?? empty);
      }),
    );
  });
});

describe("a real agglayer certificate", () => {
  it("leads from the empty tree to its new root, and the next one on from there", () => {
    let tree = EMPTY_EXIT_TREE;
    for (const { certificate } of certificates.slice(0, 2)) {
      expect(exitTreeRoot(tree)).toBe(certificate.prev_local_exit_root);
      for (const exit of certificate.bridge_exits) tree = appendLeaf(tree, exitLeaf(toExit(exit)));
      expect(exitTreeRoot(tree)).toBe(certificate.new_local_exit_root);
    }
  });

  it.each(certificates)(
    "imports exits that are under its L1 info root: $name",
    ({ certificate }) => {
      expect(certificate.imported_bridge_exits.length).toBeGreaterThan(0);
      for (const imported of certificate.imported_bridge_exits) {
        const { l1_leaf, proof_ger_l1root, proof_leaf_mer } = imported.claim_data.Mainnet;
        const { inner, mer, rer } = l1_leaf;
        const roots = { mainnetExitRoot: mer, rollupExitRoot: rer };
        expect(globalExitRoot(roots)).toBe(inner.global_exit_root);
        const leaf = l1InfoLeaf({
          globalExitRoot: inner.global_exit_root,
          l1BlockHash: inner.block_hash,
          timestamp: BigInt(inner.timestamp),
        });
        const index = l1_leaf.l1_info_tree_index;
        const { siblings } = proof_ger_l1root.proof;
        expect(rootOfPath({ leaf, index, siblings })).toBe(proof_ger_l1root.root);
        const exit = {
          leaf: exitLeaf(toExit(imported.bridge_exit)),
          index: imported.global_index.leaf_index,
          siblings: proof_leaf_mer.proof.siblings,
        };
        expect(rootOfPath(exit)).toBe(mer);
        expect(rootOfPath({ ...exit, index: exit.index ^ 1 })).not.toBe(mer);
      }
    },
  );

  it("of network 15 leads from the empty tree to its new root", () => {
    const certificate = certificates[2]?.certificate;
    const leaves = certificate?.bridge_exits.map((exit) => exitLeaf(toExit(exit))) ?? [];
    expect(exitTreeRoot(treeOf(leaves))).toBe(certificate?.new_local_exit_root);
  });
});
