// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateVerifier} from "../src/CertificateVerifier.sol";
import {ICertificateVerifier} from "../src/interfaces/ICertificateVerifier.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";

contract CertificateVerifierTest is CertificateTestBase {
    Certificates.Domain private domain = Certificates.Domain(31337, address(0xACE));
    CertificateVerifier private verifier = new CertificateVerifier();

    /// @dev With x = 4 a point of the curve outside the subgroup, where G1ADD would accept it
    bytes private constant Y_OF_4 =
        hex"000000000000000000000000000000000a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706c";

    function test_answersTheIdOfTheBitfieldThatTheNonSignersLeave() external view {
        TestSet memory set = setOf(7, 11, 5);
        uint256[] memory absent = new uint256[](3);
        (absent[0], absent[1], absent[2]) = (0, 8, 10);
        Certificates.Claim memory claim = claimAt(7);
        bytes32 digest = digestOf(domain, claim);
        (Certificates.Code code, bytes32 id, uint256 weight) =
            verifier.verify(_trust(set), claim, signersWithout(set, absent, digest));
        assertEq(uint256(code), uint256(Certificates.Code.Valid));
        assertEq(weight, 40);
        // Bits 1 to 7 of the first byte, bit 1 of the second: 9 alone of 8, 9 and 10.
        assertEq(id, keccak256(abi.encode(digest, set.operatorSetHash, keccak256(hex"fe02"))));
    }

    function test_everyoneOfASetBeyond256Signs() external view {
        TestSet memory set = setOf(7, 300, 1);
        Certificates.Claim memory claim = claimAt(7);
        bytes32 digest = digestOf(domain, claim);
        (Certificates.Code code, bytes32 id,) =
            verifier.verify(_trust(set), claim, signersWithout(set, new uint256[](0), digest));
        assertEq(uint256(code), uint256(Certificates.Code.Valid));
        bytes memory signers = new bytes(38);
        for (uint256 i = 0; i < 300; i++) {
            signers[i / 8] |= bytes1(uint8(1 << (i % 8)));
        }
        assertEq(id, keccak256(abi.encode(digest, set.operatorSetHash, keccak256(signers))));
    }

    function test_countsAnyNonSigners(uint16 count, uint256 seed) external view {
        uint256 size = uint256(count) % 40 + 1;
        TestSet memory set = setOf(7, size, 3);
        uint256[] memory absent = new uint256[](size);
        uint256 missing = 0;
        for (uint256 i = 0; i < size; i++) {
            if (uint256(keccak256(abi.encode(seed, i))) % 4 == 0) absent[missing++] = i;
        }
        assembly ("memory-safe") {
            mstore(absent, missing)
        }
        Certificates.Signers memory signed = _signed(set, absent);
        bool isEnough = (size - missing) * 10_000 >= size * 6667;
        _expect(set, signed, isEnough ? Certificates.Code.Valid : Certificates.Code.BelowThreshold);
    }

    function test_indicesThatRepeatFallOrReachTheCountAreMalformed() external view {
        TestSet memory set = setOf(7, 8, 1);
        uint256[] memory absent = indices(2, 8);
        for (uint256 second = 0; second < 2; second++) {
            Certificates.Signers memory signed = _signed(set, absent);
            (absent[0], absent[1]) = (second, 0);
            Certificates.Signers memory wrong = without(set, absent);
            wrong.signature = signed.signature;
            _expect(set, wrong, Certificates.Code.Malformed);
            absent = indices(2, 8);
        }
        Certificates.Signers memory beyond = _signed(set, absent);
        beyond.nonSigners[1].index = 8;
        _expect(set, beyond, Certificates.Code.Malformed);
        beyond.nonSigners[1].index = type(uint256).max;
        _expect(set, beyond, Certificates.Code.Malformed);
    }

    function test_theSameNonSignerTwiceCannotLowerTheTotalTwice() external view {
        TestSet memory set = setOf(7, 4, 1);
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (1, 1);
        _expect(set, without(set, twice), Certificates.Code.Malformed);
    }

    function test_aPathOfAnotherDepthIsMalformed() external view {
        TestSet memory set = setOf(7, 5, 1);
        Certificates.Signers memory signed = _signed(set, indices(1, 5));
        assertEq(signed.paths.length, 3);
        bytes32[] memory path = signed.paths;
        for (uint256 length = 0; length < 6; length++) {
            if (length == 3) continue;
            // The right nodes, as many as there is room for: it is the length that is wrong.
            signed.paths = new bytes32[](length);
            for (uint256 i = 0; i < length && i < 3; i++) {
                signed.paths[i] = path[i];
            }
            _expect(set, signed, Certificates.Code.Malformed);
        }
    }

    function test_anInnerNodeIsNoLeaf() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Signers memory signed = _signed(set, indices(1, 4));
        // A path one short proves the node above the leaf, if it were accepted.
        bytes32[] memory path = new bytes32[](1);
        path[0] = signed.paths[1];
        signed.paths = path;
        _expect(set, signed, Certificates.Code.Malformed);
    }

    function test_whatIsNotInTheSetIsMalformed() external view {
        TestSet memory set = setOf(7, 6, 10);
        Certificates.Signers memory signed = _signed(set, indices(2, 6));
        signed.nonSigners[1].weight = 0;
        _expect(set, signed, Certificates.Code.Malformed);
        signed = _signed(set, indices(2, 6));
        signed.nonSigners[1].index = 4;
        _expect(set, signed, Certificates.Code.Malformed);
        signed = _signed(set, indices(2, 6));
        signed.nonSigners[0].operator = address(0xBAD);
        _expect(set, signed, Certificates.Code.Malformed);
        signed = _signed(set, indices(2, 6));
        signed.nonSigners[0].publicKey = toKey(publicKeyOf(5));
        _expect(set, signed, Certificates.Code.Malformed);
        signed = _signed(set, indices(2, 6));
        signed.paths[5] = keccak256("elsewhere");
        _expect(set, signed, Certificates.Code.Malformed);
    }

    function test_onlyTheTrustedPreimageCounts() external view {
        TestSet memory set = setOf(7, 4, 1);
        TestSet memory other = setOf(7, 4, 2);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        _expect(other, signed, Certificates.Code.UnknownOperatorSet);
        signed.operatorSet.totalWeight = 3;
        _expect(set, signed, Certificates.Code.UnknownOperatorSet);
    }

    function test_anEpochThatWasNeverFixedMakesNothingValid() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        set.operatorSetHash = 0;
        _expect(set, signed, Certificates.Code.UnknownOperatorSet);
    }

    function test_emptyAndWeightlessSetsMakeNothingValid() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        (set.preimage.count, set.preimage.totalWeight) = (0, 0);
        signed.operatorSet = set.preimage;
        set.operatorSetHash = keccak256(abi.encode(set.preimage));
        _expect(set, signed, Certificates.Code.BelowThreshold);
        TestSet memory weightless = setOf(7, 4, 0);
        _expect(weightless, _signed(weightless, new uint256[](0)), Certificates.Code.BelowThreshold);
        // Nobody's weight is all of nothing.
        _expect(weightless, _signed(weightless, indices(4, 4)), Certificates.Code.BelowThreshold);
    }

    function test_aClaimOfAnotherEpochIsAMismatch() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Claim memory claim = claimAt(8);
        Certificates.Signers memory signed =
            signersWithout(set, new uint256[](0), digestOf(domain, claim));
        (Certificates.Code code,,) = verifier.verify(_trust(set), claim, signed);
        assertEq(uint256(code), uint256(Certificates.Code.EpochMismatch));
    }

    function test_aTimestampOutsideTheEpochIsAMismatch() external view {
        Certificates.Claim memory claim = claimAt(7);
        uint64 begin = claim.timestamp - 59;
        _expectInSchedule(claim, begin - 7 * 60, Certificates.Code.Valid);
        _expectInSchedule(claim, begin - 7 * 60 - 1, Certificates.Code.EpochMismatch);
        _expectInSchedule(claim, claim.timestamp - 7 * 60, Certificates.Code.Valid);
        _expectInSchedule(claim, claim.timestamp - 7 * 60 + 1, Certificates.Code.EpochMismatch);
        _expectInSchedule(claim, claim.timestamp + 1, Certificates.Code.EpochMismatch);
        _expectInSchedule(claim, type(uint64).max, Certificates.Code.EpochMismatch);
    }

    function test_whatComesBeforeTheEpochIsSaidBeforeTheTimestamp() external view {
        TestSet memory set = setOf(7, 4, 1);
        ICertificateVerifier.Schedule memory schedule = ICertificateVerifier.Schedule(1, 60);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        ICertificateVerifier.Trust memory trust = _trust(setOf(7, 5, 1));
        (Certificates.Code code,,) = verifier.verifyInSchedule(schedule, trust, claimAt(7), signed);
        assertEq(uint256(code), uint256(Certificates.Code.UnknownOperatorSet));
        signed.paths = new bytes32[](1);
        (code,,) = verifier.verifyInSchedule(schedule, trust, claimAt(7), signed);
        assertEq(uint256(code), uint256(Certificates.Code.Malformed));
    }

    function test_thresholdsAreBasisPointsFrom6667To10000() external view {
        TestSet memory set = setOf(7, 3, 1);
        uint256[8] memory never =
            [uint256(0), 1, 67, 100, 6666, 10_001, type(uint128).max, type(uint256).max];
        Certificates.Claim memory claim = claimAt(7);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        ICertificateVerifier.Trust memory trust = _trust(set);
        for (uint256 i = 0; i < never.length; i++) {
            trust.thresholdBps = never[i];
            (Certificates.Code code,,) = verifier.verify(trust, claim, signed);
            assertEq(uint256(code), uint256(Certificates.Code.BelowThreshold));
        }
        trust.thresholdBps = 10_000;
        (Certificates.Code all,,) = verifier.verify(trust, claim, signed);
        assertEq(uint256(all), uint256(Certificates.Code.Valid));
        // Two of three is not more than two thirds.
        _expect(set, _signed(set, indices(1, 3)), Certificates.Code.BelowThreshold);
    }

    function test_theLargestTotalDoesNotOverflow() external view {
        uint256[] memory weights = new uint256[](2);
        (weights[0], weights[1]) = (type(uint128).max / 10_000 * 6667 + 1455, type(uint128).max / 10_000 * 3333);
        assertEq(weights[0] + weights[1], type(uint128).max);
        TestSet memory set = setOf(7, weights);
        uint256[] memory second = new uint256[](1);
        second[0] = 1;
        _expect(set, _signed(set, second), Certificates.Code.Valid);
        weights[1] = type(uint128).max - weights[0] + 1;
        set = setOf(7, weights);
        _expect(set, _signed(set, new uint256[](0)), Certificates.Code.BelowThreshold);
    }

    function test_refusesInfinityAsSignature() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        delete signed.signature;
        _expect(set, signed, Certificates.Code.BadSignature);
    }

    function test_refusesASumOfKeysAtInfinity() external view {
        TestSet memory set = setOf(7, 4, 1);
        set.preimage.aggregatePublicKey = set.members[3].publicKey;
        set.operatorSetHash = keccak256(abi.encode(set.preimage));
        uint256[] memory last = new uint256[](1);
        last[0] = 3;
        Certificates.Signers memory signed = without(set, last);
        _expect(set, signed, Certificates.Code.BadSignature);
        signed.signature = signatureBy(1, digestOf(domain, claimAt(7)));
        _expect(set, signed, Certificates.Code.BadSignature);
    }

    function test_nonSignersWhoseKeysCancelOutAreLeftOut() external view {
        TestSet memory set = setOf(7, 12, 1);
        // Members 0 and 1 get keys that sum to infinity: the aggregate is that of the others.
        uint256 secrets = 0;
        for (uint256 i = 2; i < 12; i++) {
            secrets += FIRST_SECRET + i;
        }
        set.members[1].publicKey = toKey(publicKeyOf(CURVE_ORDER - FIRST_SECRET));
        set.leaves[1] = keccak256(abi.encode(set.members[1]));
        set.preimage.aggregatePublicKey = toKey(publicKeyOf(secrets));
        set.preimage.operatorsRoot = _foldRoot(set.leaves[0], pathOf(set.leaves, 0));
        set.operatorSetHash = keccak256(abi.encode(set.preimage));
        uint256[] memory firstTwo = new uint256[](2);
        firstTwo[1] = 1;
        Certificates.Signers memory signed = without(set, firstTwo);
        signed.signature = signatureBy(secrets, digestOf(domain, claimAt(7)));
        _expect(set, signed, Certificates.Code.Valid);
    }

    function test_pointsOffTheCurveAndNonCanonicalOnesAreBadSignatures() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        signed.signature[7] ^= bytes32(uint256(1));
        _expect(set, signed, Certificates.Code.BadSignature);
        signed = _signed(set, new uint256[](0));
        signed.signature[0] |= bytes32(uint256(1) << 255);
        _expect(set, signed, Certificates.Code.BadSignature);
        signed.signature[0] = bytes32(type(uint256).max);
        _expect(set, signed, Certificates.Code.BadSignature);
    }

    function test_aKeyOutsideTheSubgroupIsABadSignature() external view {
        TestSet memory set = setOf(7, 4, 1);
        set.preimage.aggregatePublicKey = toKey(bytes.concat(new bytes(63), hex"04", Y_OF_4));
        set.operatorSetHash = keccak256(abi.encode(set.preimage));
        Certificates.Signers memory signed = without(set, new uint256[](0));
        signed.signature = signatureBy(1, digestOf(domain, claimAt(7)));
        _expect(set, signed, Certificates.Code.BadSignature);
    }

    function test_everyFieldOfClaimAndDomainIsSigned() external view {
        TestSet memory set = setOf(7, 4, 1);
        Certificates.Signers memory signed = _signed(set, new uint256[](0));
        for (uint256 field = 0; field < 9; field++) {
            ICertificateVerifier.Trust memory trust = _trust(set);
            Certificates.Claim memory claim = claimAt(7);
            if (field == 0) claim.rollupId++;
            if (field == 1) claim.blockNumber++;
            if (field == 2) claim.blockHash = keccak256("another block");
            if (field == 3) claim.stateRoot = keccak256("another state");
            if (field == 4) claim.outputRoot = 0;
            if (field == 5) claim.timestamp++;
            if (field == 6) claim.verification = 1;
            if (field == 7) trust.domain.chainId = 1;
            if (field == 8) trust.domain.verifyingContract = address(0xBAD);
            (Certificates.Code code,,) = verifier.verify(trust, claim, signed);
            assertEq(uint256(code), uint256(Certificates.Code.BadSignature));
        }
    }

    function test_aSetUpdateAndAClaimAreNotEachOthersSignatures() external view {
        TestSet memory set = setOf(7, 4, 1);
        bytes32 nextHash = keccak256("the next set");
        Certificates.Signers memory signed =
            signersWithout(set, new uint256[](0), updateDigestOf(domain, 8, nextHash));
        assertEq(uint256(_updateCode(set, 8, nextHash, signed)), uint256(Certificates.Code.Valid));
        assertEq(uint256(_updateCode(set, 8, "", signed)), uint256(Certificates.Code.BadSignature));
        _expect(set, signed, Certificates.Code.BadSignature);
        Certificates.Code code = _updateCode(set, 8, nextHash, _signed(set, new uint256[](0)));
        assertEq(uint256(code), uint256(Certificates.Code.BadSignature));
    }

    function test_aSetUpdateIsSignedByTheEpochBefore() external view {
        TestSet memory set = setOf(7, 4, 1);
        uint64[5] memory epochs = [uint64(0), 6, 7, 9, type(uint64).max];
        for (uint256 i = 0; i < epochs.length; i++) {
            Certificates.Signers memory signed =
                signersWithout(set, new uint256[](0), updateDigestOf(domain, epochs[i], "next"));
            Certificates.Code code = _updateCode(set, epochs[i], "next", signed);
            assertEq(uint256(code), uint256(Certificates.Code.EpochMismatch));
        }
    }

    function test_withTooLittleGasNothingIsValid(uint24 gasLimit) external view {
        TestSet memory set = setOf(7, 4, 1);
        bytes memory data =
            abi.encodeCall(verifier.verify, (_trust(set), claimAt(7), _signed(set, new uint256[](0))));
        uint256 given = uint256(gasLimit) % 200_000;
        (bool isAnswered, bytes memory answer) = address(verifier).staticcall{gas: given}(data);
        if (!isAnswered) return;
        (Certificates.Code code,,) = abi.decode(answer, (Certificates.Code, bytes32, uint256));
        assertEq(uint256(code), uint256(Certificates.Code.BadSignature));
    }

    function _updateCode(
        TestSet memory set,
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.Signers memory signed
    ) private view returns (Certificates.Code code) {
        (code,) = verifier.verifySetUpdate(_trust(set), epoch, operatorSetHash, signed);
    }

    function _expectInSchedule(Certificates.Claim memory claim, uint64 genesisTime, Certificates.Code expected)
        private
        view
    {
        TestSet memory set = setOf(7, 4, 1);
        (Certificates.Code code, bytes32 id, uint256 weight) = verifier.verifyInSchedule(
            ICertificateVerifier.Schedule(genesisTime, 60), _trust(set), claim, _signed(set, new uint256[](0))
        );
        assertEq(uint256(code), uint256(expected));
        assertTrue((id != 0) == (expected == Certificates.Code.Valid));
        assertEq(weight, expected == Certificates.Code.Valid ? 4 : 0);
    }

    function _expect(TestSet memory set, Certificates.Signers memory signed, Certificates.Code expected)
        private
        view
    {
        (Certificates.Code code, bytes32 id, uint256 weight) =
            verifier.verify(_trust(set), claimAt(7), signed);
        assertEq(uint256(code), uint256(expected));
        if (code != Certificates.Code.Valid) assertEq(uint256(id) | weight, 0);
    }

    function _signed(TestSet memory set, uint256[] memory absent)
        private
        view
        returns (Certificates.Signers memory)
    {
        return signersWithout(set, absent, digestOf(domain, claimAt(7)));
    }

    function _trust(TestSet memory set) private view returns (ICertificateVerifier.Trust memory) {
        return ICertificateVerifier.Trust(domain, set.operatorSetHash, 6667);
    }

    function _foldRoot(bytes32 leaf, bytes32[] memory path) private pure returns (bytes32 node) {
        node = leaf;
        for (uint256 i = 0; i < path.length; i++) {
            node = keccak256(abi.encodePacked(node, path[i]));
        }
    }
}
