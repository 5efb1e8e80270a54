// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEvidenceVerifier} from "./interfaces/IEvidenceVerifier.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {BLS} from "./libraries/BLS.sol";
import {Certificates} from "./libraries/Certificates.sol";

/// @title Checks what operators signed against the registry's sets
contract EvidenceVerifier is IEvidenceVerifier {
    /// @dev A bitfield fits into one word because a registry holds no more operators
    uint256 private constant MAX_SIGNERS_BYTES = 32;

    /// @inheritdoc IEvidenceVerifier
    IRegistry public immutable registry;

    uint64 private immutable _genesisTime;
    uint64 private immutable _epochSeconds;

    constructor(IRegistry registry_) {
        registry = registry_;
        _genesisTime = registry_.genesisTime();
        _epochSeconds = registry_.epochSeconds();
    }

    /// @inheritdoc IEvidenceVerifier
    function checkAttestations(Attestation calldata first, Attestation calldata second)
        external
        view
        returns (bytes32 firstDigest, bytes32 secondDigest)
    {
        bytes32 separator = _separator();
        firstDigest = Certificates.claimDigest(separator, first.claim);
        secondDigest = Certificates.claimDigest(separator, second.claim);
        checkMembership(first.claim.epoch, first.operatorSet, first.membership);
        checkMembership(second.claim.epoch, second.operatorSet, second.membership);
        bytes32[4] calldata key = first.membership.member.publicKey;
        if (keccak256(abi.encode(key)) != keccak256(abi.encode(second.membership.member.publicKey))) {
            _requireSigned(firstDigest, first);
            _requireSigned(secondDigest, second);
            return (firstDigest, secondDigest);
        }
        bool isSigned = BLS.tryVerifyBoth(
            BLS.SIGNATURE_TAG, [firstDigest, secondDigest], key, first.signature, second.signature
        );
        if (!isSigned) revert BadSignature();
    }

    /// @inheritdoc IEvidenceVerifier
    function checkAttestation(Attestation calldata attestation) external view returns (bytes32 digest) {
        checkMembership(attestation.claim.epoch, attestation.operatorSet, attestation.membership);
        digest = Certificates.claimDigest(_separator(), attestation.claim);
        _requireSigned(digest, attestation);
    }

    /// @inheritdoc IEvidenceVerifier
    function checkCertificate(Certificate calldata certificate)
        external
        view
        returns (bytes32 digest, bytes32 signers)
    {
        Certificates.Claim calldata claim = certificate.claim;
        if (!Certificates.isInEpoch(claim.timestamp, claim.epoch, _genesisTime, _epochSeconds)) {
            revert NotValid(Certificates.Code.EpochMismatch);
        }
        digest = Certificates.claimDigest(_separator(), claim);
        uint256 thresholdBps = registry.rollupAt(claim.rollupId, claim.epoch).thresholdBps;
        signers = _checkSigners(digest, claim.epoch, thresholdBps, certificate.signed);
    }

    /// @inheritdoc IEvidenceVerifier
    function checkSetUpdate(uint64 epoch, bytes32 operatorSetHash, Certificates.Signers calldata signed)
        external
        view
        returns (bytes32 signers)
    {
        return _checkSigners(
            Certificates.setUpdateDigest(_separator(), epoch, operatorSetHash),
            _epochBefore(epoch),
            Certificates.MIN_THRESHOLD_BPS,
            signed
        );
    }

    /// @inheritdoc IEvidenceVerifier
    function checkSetUpdateBy(
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.OperatorSet calldata operatorSet,
        Membership[] calldata members,
        bytes32[8] calldata signature
    ) external view {
        if (members.length == 0) revert BadSignature();
        uint64 signedBy = _epochBefore(epoch);
        bytes32[24] memory input;
        BLS.startSum(input, members[0].member.publicKey);
        for (uint256 i = 0; i < members.length; i++) {
            checkMembership(signedBy, operatorSet, members[i]);
            if (i == 0) continue;
            // A key that counted twice would make another sum of the signatures good.
            if (members[i].member.index <= members[i - 1].member.index) {
                revert NotAMember(members[i].member.operator);
            }
            BLS.accumulate(input, members[i].member.publicKey);
        }
        _requireSigned(Certificates.setUpdateDigest(_separator(), epoch, operatorSetHash), input, signature);
    }

    /// @inheritdoc IEvidenceVerifier
    function checkMembership(
        uint64 epoch,
        Certificates.OperatorSet calldata operatorSet,
        Membership calldata membership
    ) public view {
        bytes32 trusted = registry.operatorSetHash(epoch);
        if (trusted == 0 || Certificates.hashOperatorSet(operatorSet) != trusted) {
            revert UnknownOperatorSet(epoch);
        }
        Certificates.Member calldata member = membership.member;
        uint256 count = operatorSet.count;
        uint256 depth = Math.log2(count, Math.Rounding.Ceil);
        if (
            member.index >= count || membership.path.length != depth
                || !Certificates.isMember(operatorSet.operatorsRoot, member, membership.path, 0, depth)
        ) revert NotAMember(member.operator);
    }

    function _checkSigners(
        bytes32 digest,
        uint64 epoch,
        uint256 thresholdBps,
        Certificates.Signers calldata signed
    ) private view returns (bytes32) {
        Certificates.Answer memory answer = Certificates.check(
            digest, registry.operatorSetHash(epoch), epoch, thresholdBps, signed
        );
        if (answer.code != Certificates.Code.Valid) revert NotValid(answer.code);
        if (answer.signers.length > MAX_SIGNERS_BYTES) revert NotValid(Certificates.Code.Malformed);
        return bytes32(answer.signers);
    }

    function _requireSigned(bytes32 digest, Attestation calldata attestation) private view {
        bytes32[24] memory input;
        BLS.startSum(input, attestation.membership.member.publicKey);
        _requireSigned(digest, input, attestation.signature);
    }

    function _requireSigned(bytes32 digest, bytes32[24] memory input, bytes32[8] calldata signature)
        private
        view
    {
        for (uint256 i = 0; i < 8; i++) {
            input[16 + i] = signature[i];
        }
        (, bool isSigned) = BLS.tryVerify(BLS.SIGNATURE_TAG, abi.encodePacked(digest), input);
        if (!isSigned) revert BadSignature();
    }

    /// @dev No set comes before epoch 0: nobody signs an update for it
    function _epochBefore(uint64 epoch) private pure returns (uint64) {
        if (epoch == 0) revert UnknownOperatorSet(epoch);
        return epoch - 1;
    }

    function _separator() private view returns (bytes32) {
        return Certificates.domainSeparator(Certificates.Domain(block.chainid, address(registry)));
    }
}
