// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BLS} from "../src/libraries/BLS.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {TestBase} from "./TestBase.sol";

/// @dev Operator sets whose secrets the test knows. The operator at index i has the secret
/// FIRST_SECRET + i and the address i + 1, so that a sum of signatures is one signature by the sum of
/// the secrets.
abstract contract CertificateTestBase is TestBase {
    uint256 internal constant FIRST_SECRET = 1_000;

    struct TestSet {
        Certificates.OperatorSet preimage;
        Certificates.Member[] members;
        bytes32[] leaves;
        bytes32 operatorSetHash;
    }

    function setOf(uint64 epoch, uint256 count, uint256 weight) internal view returns (TestSet memory set) {
        uint256[] memory weights = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            weights[i] = weight;
        }
        return setOf(epoch, weights);
    }

    function setOf(uint64 epoch, uint256[] memory weights) internal view returns (TestSet memory set) {
        uint256 count = weights.length;
        set.members = new Certificates.Member[](count);
        set.leaves = new bytes32[](count);
        uint256 total = 0;
        uint256 secrets = 0;
        for (uint256 i = 0; i < count; i++) {
            bytes32[4] memory key = toKey(publicKeyOf(FIRST_SECRET + i));
            Certificates.Member memory member =
                Certificates.Member(i, address(uint160(i + 1)), key, weights[i]);
            set.members[i] = member;
            set.leaves[i] = OperatorSets.leaf(i, member.operator, key, weights[i]);
            total += weights[i];
            secrets += FIRST_SECRET + i;
        }
        bytes32[4] memory aggregate = toKey(publicKeyOf(secrets));
        set.preimage =
            Certificates.OperatorSet(epoch, uint32(count), total, aggregate, OperatorSets.root(set.leaves));
        set.operatorSetHash = keccak256(abi.encode(set.preimage));
    }

    /// @dev All of a set but those at the given indices sign
    function signersWithout(TestSet memory set, uint256[] memory absent, bytes32 digest)
        internal
        view
        returns (Certificates.Signers memory signed)
    {
        signed = without(set, absent);
        uint256 secrets = 0;
        uint256 next = 0;
        for (uint256 i = 0; i < set.members.length; i++) {
            if (next < absent.length && absent[next] == i) next++;
            else secrets += FIRST_SECRET + i;
        }
        signed.signature = signatureBy(secrets, digest);
    }

    /// @dev Everything but the signature
    function without(TestSet memory set, uint256[] memory absent)
        internal
        pure
        returns (Certificates.Signers memory signed)
    {
        signed.operatorSet = set.preimage;
        signed.nonSigners = new Certificates.Member[](absent.length);
        uint256 depth = depthOf(set.members.length);
        signed.paths = new bytes32[](absent.length * depth);
        for (uint256 i = 0; i < absent.length; i++) {
            signed.nonSigners[i] = set.members[absent[i]];
            bytes32[] memory path = pathOf(set.leaves, absent[i]);
            for (uint256 j = 0; j < depth; j++) {
                signed.paths[i * depth + j] = path[j];
            }
        }
    }

    function signatureBy(uint256 secret, bytes32 digest) internal view returns (bytes32[8] memory) {
        return abi.decode(sign(secret, BLS.SIGNATURE_TAG, digest), (bytes32[8]));
    }

    /// @dev The siblings from the leaf up, found by another way than the one under test
    function pathOf(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory path) {
        uint256 depth = depthOf(leaves.length);
        path = new bytes32[](depth);
        for (uint256 level = 0; level < depth; level++) {
            uint256 width = 1 << level;
            uint256 sibling = ((index >> level) ^ 1) << level;
            bytes32[] memory below = new bytes32[](width);
            for (uint256 i = 0; i < width && sibling + i < leaves.length; i++) {
                below[i] = leaves[sibling + i];
            }
            path[level] = _rootOf(below);
        }
    }

    function depthOf(uint256 count) internal pure returns (uint256 depth) {
        while (1 << depth < count) depth++;
    }

    function indices(uint256 count, uint256 size) internal pure returns (uint256[] memory list) {
        list = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            list[i] = i * size / count;
        }
    }

    function claimAt(uint64 epoch) internal pure returns (Certificates.Claim memory) {
        return Certificates.Claim({
            rollupId: 901,
            blockNumber: 7_200,
            blockHash: keccak256("block"),
            stateRoot: keccak256("state"),
            outputRoot: keccak256("output"),
            timestamp: 1_765_001_520,
            epoch: epoch,
            verification: 2
        });
    }

    /// @dev As the protocol writes it, without the library under test
    function digestOf(Certificates.Domain memory domain, Certificates.Claim memory claim)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typehash = keccak256(
            "Claim(uint64 rollupId,uint64 blockNumber,bytes32 blockHash,bytes32 stateRoot,bytes32 outputRoot,uint64 timestamp,uint64 epoch,uint8 verification)"
        );
        return typedDataDigest(
            domain.chainId, domain.verifyingContract, keccak256(abi.encode(typehash, claim))
        );
    }

    function updateDigestOf(Certificates.Domain memory domain, uint64 epoch, bytes32 operatorSetHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typehash = keccak256("OperatorSetUpdate(uint64 epoch,bytes32 operatorSetHash)");
        bytes32 structHash = keccak256(abi.encode(typehash, epoch, operatorSetHash));
        return typedDataDigest(domain.chainId, domain.verifyingContract, structHash);
    }

    function _rootOf(bytes32[] memory nodes) private pure returns (bytes32) {
        if (nodes.length == 1) return nodes[0];
        uint256 half = nodes.length / 2;
        bytes32[] memory left = new bytes32[](half);
        bytes32[] memory right = new bytes32[](half);
        for (uint256 i = 0; i < half; i++) {
            (left[i], right[i]) = (nodes[i], nodes[half + i]);
        }
        return keccak256(abi.encodePacked(_rootOf(left), _rootOf(right)));
    }
}
