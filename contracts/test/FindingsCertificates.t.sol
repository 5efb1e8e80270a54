// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateVerifier} from "../src/CertificateVerifier.sol";
import {ICertificateVerifier} from "../src/interfaces/ICertificateVerifier.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";

/// @dev What audits found in the verification of certificates elsewhere, tried on this one
contract FindingsCertificatesTest is CertificateTestBase {
    /// @dev Words of the calldata of verify: after four of the trust come the claim's eight
    uint256 private constant CLAIM = 4 + 4 * 32;

    Certificates.Domain private domain = Certificates.Domain(31337, address(0xACE));
    CertificateVerifier private verifier = new CertificateVerifier();

    /// @dev A filler key of (0, 0) with any power forged a quorum
    function test_aMemberWithTheZeroKeySignsNothingWhateverItsWeight() external view {
        uint256[] memory weights = new uint256[](4);
        (weights[0], weights[1], weights[2], weights[3]) = (1, 1, 1, 1_000_000);
        TestSet memory set = setOf(7, weights);
        delete set.members[3].publicKey;
        set.leaves[3] = keccak256(abi.encode(set.members[3]));
        set.preimage.operatorsRoot = OperatorSets.root(set.leaves);
        uint256 others = 3 * FIRST_SECRET + 3;
        set.preimage.aggregatePublicKey = toKey(publicKeyOf(others));
        set.operatorSetHash = keccak256(abi.encode(set.preimage));

        // It has more than the threshold, and everyone else is absent: the sum is at infinity.
        uint256[] memory absent = new uint256[](3);
        (absent[1], absent[2]) = (1, 2);
        Certificates.Signers memory forged = without(set, absent);
        _expect(set, forged, Certificates.Code.BadSignature);
        forged.signature = signatureBy(others, digestOf(domain, claimAt(7)));
        _expect(set, forged, Certificates.Code.BadSignature);
    }

    /// @dev A proof of another length passed an inner node as a leaf
    function test_noNodeOfTheTreePassesForAMember() external view {
        TestSet memory set = setOf(7, 8, 1);
        Certificates.Signers memory signed = _signed(set);
        bytes32[] memory path = pathOf(set.leaves, 2);
        // Its two halves as the first words of a member, with the path from every level up.
        bytes32 left = set.leaves[2];
        for (uint256 level = 0; level <= 3; level++) {
            signed.nonSigners = new Certificates.Member[](1);
            signed.nonSigners[0] = set.members[2];
            signed.nonSigners[0].publicKey[0] = left;
            signed.nonSigners[0].publicKey[1] = level < 3 ? path[level] : bytes32(0);
            for (uint256 length = 0; length <= 4; length++) {
                signed.paths = new bytes32[](length);
                for (uint256 i = 0; i < length && level + i < 3; i++) {
                    signed.paths[i] = path[level + i];
                }
                _expect(set, signed, Certificates.Code.Malformed);
            }
            if (level < 3) left = keccak256(abi.encode(left, path[level]));
        }
    }

    function test_theMissingLeavesOfATreeAreNobody() external view {
        TestSet memory set = setOf(7, 5, 1);
        Certificates.Signers memory signed = _signed(set);
        signed.nonSigners = new Certificates.Member[](1);
        signed.paths = new bytes32[](3);
        for (uint256 index = 5; index < 9; index++) {
            signed.nonSigners[0].index = index;
            _expect(set, signed, Certificates.Code.Malformed);
        }
    }

    function test_aSmallerCountThatTheTreeStillFitsIsAnotherSet() external view {
        TestSet memory set = setOf(7, 8, 1);
        Certificates.Signers memory signed = _signed(set);
        for (uint32 count = 4; count < 10; count++) {
            if (count == 8) continue;
            signed.operatorSet.count = count;
            _expect(set, signed, Certificates.Code.UnknownOperatorSet);
        }
    }

    function test_aThresholdInPerCentIsReachedByNobody() external view {
        TestSet memory set = setOf(7, 4, 1);
        ICertificateVerifier.Trust memory trust = _trust(set);
        Certificates.Signers memory signed = _signed(set);
        for (trust.thresholdBps = 1; trust.thresholdBps <= 100; trust.thresholdBps++) {
            (Certificates.Code code,,) = verifier.verify(trust, claimAt(7), signed);
            assertEq(uint256(code), uint256(Certificates.Code.BelowThreshold));
        }
    }

    /// @dev A level that was cut to a byte passed for another
    function test_fieldsBeyondTheirTypesAreRefusedNotCut() external view {
        TestSet memory set = setOf(7, 4, 1);
        bytes memory data = abi.encodeCall(verifier.verify, (_trust(set), claimAt(7), _signed(set)));
        // Of the claim: rollupId, blockNumber, timestamp and epoch, and the level in its byte.
        uint8[5] memory fields = [0, 1, 5, 6, 7];
        for (uint256 i = 0; i < fields.length; i++) {
            uint256 bit = fields[i] == 7 ? 8 : 64;
            assertTrue(!_isAnswered(_withBit(data, CLAIM + 32 * uint256(fields[i]), bit)));
            assertTrue(!_isAnswered(_withBit(data, CLAIM + 32 * uint256(fields[i]), 255)));
        }
        assertTrue(_isAnswered(data));
    }

    function _isAnswered(bytes memory data) private view returns (bool isAnswered) {
        (isAnswered,) = address(verifier).staticcall(data);
    }

    /// @dev A copy with one bit of a word set; bit 0 is the least
    function _withBit(bytes memory data, uint256 word, uint256 bit) private pure returns (bytes memory copy) {
        copy = bytes.concat(data);
        copy[word + 31 - bit / 8] |= bytes1(uint8(1 << (bit % 8)));
    }

    function _expect(TestSet memory set, Certificates.Signers memory signed, Certificates.Code expected)
        private
        view
    {
        (Certificates.Code code, bytes32 id, uint256 weight) =
            verifier.verify(_trust(set), claimAt(7), signed);
        assertEq(uint256(code), uint256(expected));
        assertEq(uint256(id) | weight, 0);
    }

    function _signed(TestSet memory set) private view returns (Certificates.Signers memory) {
        return signersWithout(set, new uint256[](0), digestOf(domain, claimAt(7)));
    }

    function _trust(TestSet memory set) private view returns (ICertificateVerifier.Trust memory) {
        return ICertificateVerifier.Trust(domain, set.operatorSetHash, 6667);
    }
}
