// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BLS} from "./BLS.sol";

/// @title The check of certificates and set updates
/// @dev The caller's cost does not depend on the size of the set, only on who did not sign: the
/// signature is checked under the aggregate key of all minus the keys of the non-signers.
library Certificates {
    /// @notice The answer of a check, the first that applies in this order, `Valid` last: what was
    /// never checked reads as `Malformed`
    enum Code {
        /// @dev Indices that do not ascend or are not below the count, a wrong number of path nodes,
        /// or a path that does not lead to the set's root
        Malformed,
        /// @dev The set is not the one that the caller trusts
        UnknownOperatorSet,
        /// @dev The set is of another epoch than what it signed, or the timestamp is
        EpochMismatch,
        /// @dev The signers do not reach the threshold, or the threshold is not one
        BelowThreshold,
        /// @dev No point, infinity, or not by the signers
        BadSignature,
        Valid
    }

    /// @notice The network that a message is signed for: the L1's chain id and the registry on it
    struct Domain {
        uint256 chainId;
        address verifyingContract;
    }

    /// @notice What operators say about one rollup block
    struct Claim {
        uint64 rollupId;
        uint64 blockNumber;
        bytes32 blockHash;
        bytes32 stateRoot;
        bytes32 outputRoot;
        /// @dev In seconds
        uint64 timestamp;
        uint64 epoch;
        uint8 verification;
    }

    /// @notice The preimage of an operatorSetHash
    struct OperatorSet {
        uint64 epoch;
        uint32 count;
        uint256 totalWeight;
        bytes32[4] aggregatePublicKey;
        bytes32 operatorsRoot;
    }

    /// @notice One operator of a set: the preimage of a leaf
    struct Member {
        uint256 index;
        address operator;
        bytes32[4] publicKey;
        uint256 weight;
    }

    /// @notice Who signed, as all of a set but some, and the sum of their signatures
    struct Signers {
        OperatorSet operatorSet;
        /// @dev In strictly ascending order of index
        Member[] nonSigners;
        /// @dev The non-signers' Merkle paths one after the other, each from the leaf up and of
        /// exactly ceil(log2(count)) nodes
        bytes32[] paths;
        /// @dev The G2 point as EIP-2537 takes it
        bytes32[8] signature;
    }

    /// @notice What a check found; signers is the bitfield over the set's indices. Zero and empty but
    /// for `Valid`.
    struct Answer {
        Code code;
        uint256 signedWeight;
        bytes signers;
    }

    /// @dev More than two thirds, in basis points
    uint256 internal constant MIN_THRESHOLD_BPS = 6667;
    uint256 internal constant MAX_THRESHOLD_BPS = 10_000;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant NAME_HASH = keccak256("MACH");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant CLAIM_TYPEHASH = keccak256(
        "Claim(uint64 rollupId,uint64 blockNumber,bytes32 blockHash,bytes32 stateRoot,bytes32 outputRoot,uint64 timestamp,uint64 epoch,uint8 verification)"
    );
    bytes32 private constant SET_UPDATE_TYPEHASH =
        keccak256("OperatorSetUpdate(uint64 epoch,bytes32 operatorSetHash)");

    /// @notice Checks that operators of the trusted set with the threshold's weight signed a digest.
    /// @dev Reverts only where the set itself is none that a registry fixes, or for want of gas. A
    /// "no" proves nothing: short of gas a good signature reads as bad.
    /// @param digest What they signed
    /// @param operatorSetHash The hash that the caller trusts for `epoch`; zero is trusted by nobody
    /// @param epoch The epoch whose set has to sign
    /// @param thresholdBps 6667 to 10000; any other is never reached
    function check(
        bytes32 digest,
        bytes32 operatorSetHash,
        uint256 epoch,
        uint256 thresholdBps,
        Signers calldata signed
    ) internal view returns (Answer memory answer) {
        OperatorSet calldata set = signed.operatorSet;
        uint256 count = set.count;
        bytes memory signers = _everyone(count);
        (bool isWellFormed, bool isProven, uint256 absentWeight) = _removeNonSigners(signed, count, signers);
        if (!isWellFormed) return answer;
        if (operatorSetHash == 0 || hashOperatorSet(set) != operatorSetHash) {
            answer.code = Code.UnknownOperatorSet;
            return answer;
        }
        if (set.epoch != epoch) {
            answer.code = Code.EpochMismatch;
            return answer;
        }
        if (!isProven) return answer;
        uint256 signedWeight = set.totalWeight - absentWeight;
        if (!hasQuorum(signedWeight, set.totalWeight, thresholdBps)) {
            answer.code = Code.BelowThreshold;
            return answer;
        }
        if (!_isSigned(digest, signed)) {
            answer.code = Code.BadSignature;
            return answer;
        }
        return Answer(Code.Valid, signedWeight, signers);
    }

    /// @notice Whether weights reach a threshold. Nothing does where the total or the threshold is
    /// out of range: unknown is never final.
    function hasQuorum(uint256 signedWeight, uint256 totalWeight, uint256 thresholdBps)
        internal
        pure
        returns (bool)
    {
        if (signedWeight == 0 || totalWeight > type(uint128).max || signedWeight > totalWeight) return false;
        if (thresholdBps < MIN_THRESHOLD_BPS || thresholdBps > MAX_THRESHOLD_BPS) return false;
        return signedWeight * 10_000 >= totalWeight * thresholdBps;
    }

    /// @notice Whether a member's path leads to the root. The caller has checked that its index is
    /// below the count and that `depth` is the one of that count: leaves are 224 bytes and nodes 64,
    /// so that with both checks no inner node passes as a leaf.
    function isMember(
        bytes32 root,
        Member calldata member,
        bytes32[] calldata paths,
        uint256 first,
        uint256 depth
    ) internal pure returns (bool) {
        uint256 index = member.index;
        bytes32 node;
        assembly ("memory-safe") {
            // The free memory behind the pointer serves as scratch space: nothing is allocated.
            let scratch := mload(0x40)
            calldatacopy(scratch, member, 0xe0)
            node := keccak256(scratch, 0xe0)
            let sibling := add(paths.offset, shl(5, first))
            for { let end := add(sibling, shl(5, depth)) } lt(sibling, end) { sibling := add(sibling, 0x20) } {
                let side := shl(5, and(index, 1))
                mstore(side, node)
                mstore(xor(side, 0x20), calldataload(sibling))
                node := keccak256(0, 0x40)
                index := shr(1, index)
            }
        }
        return node == root;
    }

    /// @notice The separator of a network (EIP-712)
    function domainSeparator(Domain memory domain) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, domain.chainId, domain.verifyingContract)
        );
    }

    /// @notice What attestations of a claim sign
    function claimDigest(bytes32 separator, Claim calldata claim) internal pure returns (bytes32) {
        return _typedDataDigest(separator, keccak256(abi.encode(CLAIM_TYPEHASH, claim)));
    }

    /// @notice What signatures of a set update sign
    function setUpdateDigest(bytes32 separator, uint64 epoch, bytes32 operatorSetHash)
        internal
        pure
        returns (bytes32)
    {
        return _typedDataDigest(separator, keccak256(abi.encode(SET_UPDATE_TYPEHASH, epoch, operatorSetHash)));
    }

    /// @notice The hash that stands for a set
    /// @dev Of the words as they came: one with dirty bits has another hash than any set.
    function hashOperatorSet(OperatorSet calldata set) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let scratch := mload(0x40)
            calldatacopy(scratch, set, 0x100)
            hash := keccak256(scratch, 0x100)
        }
    }

    /// @notice The id of a certificate
    function certificateId(bytes32 digest, bytes32 operatorSetHash, bytes memory signers)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(digest, operatorSetHash, keccak256(signers)));
    }

    /// @notice Whether a timestamp falls into an epoch; none does before genesisTime
    function isInEpoch(uint256 timestamp, uint256 epoch, uint256 genesisTime, uint256 epochSeconds)
        internal
        pure
        returns (bool)
    {
        return timestamp >= genesisTime && (timestamp - genesisTime) / epochSeconds == epoch;
    }

    /// @dev Clears the bits of the non-signers and sums their weights. Not well formed: indices that do
    /// not ascend or are out of range, a wrong number of nodes. Not proven: a path to another root.
    function _removeNonSigners(Signers calldata signed, uint256 count, bytes memory signers)
        private
        pure
        returns (bool isWellFormed, bool isProven, uint256 weight)
    {
        Member[] calldata nonSigners = signed.nonSigners;
        bytes32[] calldata paths = signed.paths;
        bytes32 root = signed.operatorSet.operatorsRoot;
        uint256 depth = Math.log2(count, Math.Rounding.Ceil);
        if (paths.length != nonSigners.length * depth) return (false, false, 0);
        isProven = true;
        uint256 bound = 0;
        for (uint256 i = 0; i < nonSigners.length; i++) {
            Member calldata member = nonSigners[i];
            uint256 index = member.index;
            if (index < bound || index >= count) return (false, false, 0);
            bound = index + 1;
            if (!isMember(root, member, paths, i * depth, depth)) isProven = false;
            weight += member.weight;
            assembly ("memory-safe") {
                // Below count, so that the byte is within the bitfield.
                let at := add(add(signers, 0x20), shr(3, index))
                mstore8(at, and(byte(0, mload(at)), not(shl(and(index, 7), 1))))
            }
        }
        return (true, isProven, weight);
    }

    /// @dev Whether the sum of the signers' keys signed: the aggregate key minus the non-signers' keys
    function _isSigned(bytes32 digest, Signers calldata signed) private view returns (bool) {
        Member[] calldata nonSigners = signed.nonSigners;
        bytes32[4] calldata aggregate = signed.operatorSet.aggregatePublicKey;
        bytes32[8] calldata signature = signed.signature;
        bytes32[24] memory input;
        if (nonSigners.length == 0) {
            BLS.startSum(input, aggregate);
        } else {
            BLS.startSum(input, nonSigners[0].publicKey);
            for (uint256 i = 1; i < nonSigners.length; i++) {
                BLS.accumulate(input, nonSigners[i].publicKey);
            }
            BLS.negate(input);
            BLS.accumulate(input, aggregate);
        }
        assembly ("memory-safe") {
            calldatacopy(add(input, 0x200), signature, 0x100)
        }
        (bool isAnswered, bool isSigned) =
            BLS.tryVerify(BLS.SIGNATURE_TAG, abi.encodePacked(digest), input);
        return isAnswered && isSigned;
    }

    /// @dev The bitfield with the bits of all indices below the count
    function _everyone(uint256 count) private pure returns (bytes memory signers) {
        signers = new bytes((count + 7) / 8);
        for (uint256 offset = 0; offset < signers.length; offset += 32) {
            assembly ("memory-safe") {
                mstore(add(add(signers, 0x20), offset), not(0))
            }
        }
        if (count % 8 != 0) signers[count / 8] = bytes1(uint8((1 << (count % 8)) - 1));
    }

    function _typedDataDigest(bytes32 separator, bytes32 structHash) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", separator, structHash));
    }
}
