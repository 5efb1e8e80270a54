// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Convictions} from "./Convictions.sol";
import {EvidenceVerifier} from "./EvidenceVerifier.sol";
import {HeaderWalks} from "./HeaderWalks.sol";
import {IEvidenceVerifier} from "./interfaces/IEvidenceVerifier.sol";
import {IHeaderWalks} from "./interfaces/IHeaderWalks.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {ISlasher} from "./interfaces/ISlasher.sol";
import {Certificates} from "./libraries/Certificates.sol";
import {Headers} from "./libraries/Headers.sol";

/// @title Convicts operators on evidence: what proves guilt, what excuses, and until when
contract Slasher is Convictions {
    /// @inheritdoc ISlasher
    IRegistry public immutable registry;
    /// @inheritdoc ISlasher
    IEvidenceVerifier public immutable evidenceVerifier;
    /// @inheritdoc ISlasher
    IHeaderWalks public immutable headerWalks;

    uint64 private immutable _genesisTime;
    uint64 private immutable _epochSeconds;
    uint64 private immutable _acceptanceWindow;
    uint64 private immutable _challengeWindow;
    uint64 private immutable _evidenceWindow;

    mapping(bytes32 chargeId => Charge) private _charges;
    /// @dev Of the evidence; a charge that took an excused one's place has that one's, if it is later
    mapping(bytes32 chargeId => uint256) private _deadlines;
    /// @dev By the digests of both claims, whoever signed them, or by the lower's alone once L1 settled
    /// against it: one excuse then stands for all charges, and nobody can bring more than are answered
    mapping(bytes32 pairIdOrDigest => bool) private _isVoid;

    constructor(
        address owner_,
        IRegistry registry_,
        Windows memory windows_,
        Parameters memory parameters_
    ) Convictions(owner_, registry_.weightSource(), windows_.minimumDelay, parameters_) {
        if (
            windows_.acceptance == 0 || windows_.challenge == 0
                || windows_.evidence <= uint256(windows_.acceptance) + windows_.challenge
                || windows_.minimumDelay <= windows_.evidence
        ) revert InvalidConfiguration();
        registry = registry_;
        (_genesisTime, _epochSeconds) = (registry_.genesisTime(), registry_.epochSeconds());
        (_acceptanceWindow, _challengeWindow) = (windows_.acceptance, windows_.challenge);
        _evidenceWindow = windows_.evidence;
        evidenceVerifier = new EvidenceVerifier(registry_);
        headerWalks = new HeaderWalks();
    }

    /// @inheritdoc ISlasher
    function reportDoubleAttestation(
        IEvidenceVerifier.Attestation calldata first,
        IEvidenceVerifier.Attestation calldata second
    ) external returns (bytes32 convictionId) {
        address operator = first.membership.member.operator;
        (uint64 rollupId, uint64 blockNumber) = (first.claim.rollupId, first.claim.blockNumber);
        convictionId = convictionIdAt(operator, rollupId, blockNumber);
        if (_isConvicted(convictionId, Kind.DoubleAttestation)) return convictionId;
        _requireOneHeight(first.claim, second.claim);
        if (second.membership.member.operator != operator) revert NotASigner(operator);
        _requireInTime(first.claim.epoch, second.claim.epoch);
        (bytes32 firstDigest, bytes32 secondDigest) = evidenceVerifier.checkAttestations(first, second);
        if (firstDigest == secondDigest) revert NotConflicting();
        _convictAt(operator, Kind.DoubleAttestation, rollupId, blockNumber, msg.sender);
    }

    /// @inheritdoc ISlasher
    function reportAttestationAgainstCertificate(
        IEvidenceVerifier.Attestation calldata attestation,
        IEvidenceVerifier.Certificate calldata certificate,
        IEvidenceVerifier.Membership calldata membership
    ) external returns (bytes32 convictionId) {
        address operator = attestation.membership.member.operator;
        Certificates.Claim calldata claim = certificate.claim;
        convictionId = convictionIdAt(operator, claim.rollupId, claim.blockNumber);
        if (_isConvicted(convictionId, Kind.AttestationAgainstCertificate)) return convictionId;
        _requireOneHeight(attestation.claim, claim);
        if (membership.member.operator != operator) revert NotASigner(operator);
        _requireInTime(attestation.claim.epoch, claim.epoch);
        bytes32 attested = evidenceVerifier.checkAttestation(attestation);
        (bytes32 certified, bytes32 signers) = evidenceVerifier.checkCertificate(certificate);
        if (attested == certified) revert NotConflicting();
        _requireSigner(signers, claim.epoch, certificate.signed.operatorSet, membership);
        _convictAt(
            operator, Kind.AttestationAgainstCertificate, claim.rollupId, claim.blockNumber, msg.sender
        );
    }

    /// @inheritdoc ISlasher
    function reportConflict(
        IEvidenceVerifier.Certificate calldata lower,
        IEvidenceVerifier.Certificate calldata higher,
        Accused[] calldata accused
    ) external returns (bytes32 chargeId) {
        Charge memory charge_ = _compare(lower, higher);
        chargeId = _open(charge_, _deadlineOf(charge_.lowerEpoch, charge_.higherEpoch));
        if (accused.length == 0) return chargeId;
        if (charge_.provedAt == 0) revert ChargeNotProved(chargeId);
        _convictSigners(charge_, lower.signed.operatorSet, higher.signed.operatorSet, accused);
    }

    /// @inheritdoc ISlasher
    function proveCharge(bytes32 chargeId, uint64 from, bytes[] calldata headers) external {
        Charge storage charge_ = _liveCharge(chargeId);
        if (charge_.provedAt != 0) return;
        if (from + headers.length != charge_.walkNumber - charge_.lowerNumber) {
            revert ChargeNotProved(chargeId);
        }
        uint256 challengeEnd = block.timestamp + _challengeWindow;
        if (challengeEnd > _deadlines[chargeId]) revert EvidenceExpired(_deadlines[chargeId]);
        if (headerWalks.walk(charge_.walkStart, from, headers) == charge_.lowerHash) revert NotConflicting();
        charge_.provedAt = _now();
        emit ChargeProved(chargeId, challengeEnd);
    }

    /// @inheritdoc ISlasher
    function excuseByCertificate(
        bytes32 chargeId,
        IEvidenceVerifier.Certificate calldata between,
        uint64 from,
        bytes[] calldata headers
    ) external returns (bytes32 heirId) {
        Charge memory heir = _challengeable(chargeId);
        // Before the proof it harms nobody, and an excuse would only be in the proof's way.
        if (heir.provedAt == 0) revert ChargeNotProved(chargeId);
        Certificates.Claim calldata claim = between.claim;
        if (
            claim.rollupId != heir.rollupId || claim.epoch < heir.lowerEpoch
                || claim.epoch > heir.higherEpoch || claim.blockNumber < heir.lowerNumber
                || claim.blockNumber >= heir.higherNumber
                || from + headers.length != heir.walkNumber - claim.blockNumber
                || headerWalks.ancestorOf(heir.walkStart, from, headers) != claim.blockHash
        ) revert NotAnExcuse();
        _isVoid[_pairIdOf(heir)] = true;
        emit ChargeVoided(chargeId);
        (heir.higherDigest, heir.higherSigners) = evidenceVerifier.checkCertificate(between);
        (heir.higherNumber, heir.higherHash, heir.higherEpoch) =
            (claim.blockNumber, claim.blockHash, claim.epoch);
        // The walk has passed this block, so that what was proved holds for it as well.
        heir.provedAt = _restart(_deadlines[chargeId]);
        if (_isExcused(heir)) return 0;
        return _open(heir, _deadlines[chargeId]);
    }

    /// @inheritdoc ISlasher
    function excuseBySettlement(
        bytes32 chargeId,
        uint64 epoch,
        bytes calldata proof,
        uint64 from,
        bytes[] calldata headers,
        bytes calldata header
    ) external {
        Charge memory charge_ = _challengeable(chargeId);
        if (epoch < charge_.lowerEpoch) revert NotAnExcuse();
        address settlement = registry.rollupAt(charge_.rollupId, epoch).settlement;
        if (settlement == address(0)) revert NoSettlement(charge_.rollupId, epoch);
        (bytes32 blockHash,) = ISettlement(settlement).settled(proof);
        blockHash = headerWalks.ancestorOf(blockHash, from, headers);
        if (
            keccak256(header) != blockHash || Headers.blockNumber(header) != charge_.lowerNumber
                || blockHash == charge_.lowerHash
        ) revert NotAnExcuse();
        _isVoid[charge_.lowerDigest] = true;
        emit ChargeVoided(chargeId);
    }

    /// @inheritdoc ISlasher
    function convict(
        bytes32 chargeId,
        Certificates.OperatorSet calldata lowerSet,
        Certificates.OperatorSet calldata higherSet,
        Accused[] calldata accused
    ) external {
        Charge memory charge_ = _liveCharge(chargeId);
        if (charge_.provedAt == 0) revert ChargeNotProved(chargeId);
        if (charge_.lowerNumber != charge_.higherNumber) {
            uint256 end = uint256(charge_.provedAt) + _challengeWindow;
            if (block.timestamp <= end) revert ChallengeOpen(end);
        }
        // A certificate that took an excused one's place may come late: it has its window all the same.
        uint256 deadline = _deadlines[chargeId];
        uint256 late = uint256(charge_.provedAt) + 2 * uint256(_challengeWindow);
        if (late > deadline) deadline = late;
        if (block.timestamp > deadline) revert EvidenceExpired(deadline);
        _convictSigners(charge_, lowerSet, higherSet, accused);
    }

    /// @inheritdoc ISlasher
    function reportSettlementLie(
        IEvidenceVerifier.Certificate calldata certificate,
        bytes calldata proof,
        IEvidenceVerifier.Membership[] calldata accused
    ) external {
        Certificates.Claim calldata claim = certificate.claim;
        _requireInTime(claim.epoch, claim.epoch);
        IRegistry.Rollup memory rollup = registry.rollupAt(claim.rollupId, claim.epoch);
        if (rollup.settlement == address(0)) revert NoSettlement(claim.rollupId, claim.epoch);
        (bytes32 blockHash, bytes32 outputRoot) = ISettlement(rollup.settlement).settled(proof);
        if (
            (rollup.stack != "op" && rollup.stack != "orbit") || blockHash != claim.blockHash
                || outputRoot == claim.outputRoot
        ) revert NotALie();
        (, bytes32 signers) = evidenceVerifier.checkCertificate(certificate);
        for (uint256 i = 0; i < accused.length; i++) {
            address operator = accused[i].member.operator;
            bytes32 convictionId = convictionIdAt(operator, claim.rollupId, claim.blockNumber);
            if (_isConvicted(convictionId, Kind.SettlementLie)) continue;
            _requireSigner(signers, claim.epoch, certificate.signed.operatorSet, accused[i]);
            _convictAt(operator, Kind.SettlementLie, claim.rollupId, claim.blockNumber, msg.sender);
        }
    }

    /// @inheritdoc ISlasher
    function reportFalseSetUpdate(
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.Signers calldata signed,
        IEvidenceVerifier.Membership[] calldata accused
    ) external {
        uint64 signedBy = _requireFalse(epoch, operatorSetHash);
        bytes32 signers = evidenceVerifier.checkSetUpdate(epoch, operatorSetHash, signed);
        for (uint256 i = 0; i < accused.length; i++) {
            if (_isConvictedFor(accused[i].member.operator, epoch)) continue;
            _requireSigner(signers, signedBy, signed.operatorSet, accused[i]);
            _convictFor(accused[i].member.operator, epoch);
        }
    }

    /// @inheritdoc ISlasher
    function reportFalseSetUpdateBy(
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.OperatorSet calldata operatorSet,
        IEvidenceVerifier.Membership[] calldata signers,
        bytes32[8] calldata signature
    ) external {
        _requireFalse(epoch, operatorSetHash);
        evidenceVerifier.checkSetUpdateBy(epoch, operatorSetHash, operatorSet, signers, signature);
        for (uint256 i = 0; i < signers.length; i++) {
            if (_isConvictedFor(signers[i].member.operator, epoch)) continue;
            _convictFor(signers[i].member.operator, epoch);
        }
    }

    /// @inheritdoc ISlasher
    function charge(bytes32 chargeId) external view returns (Charge memory charge_, bool isVoid) {
        charge_ = _charges[chargeId];
        return (charge_, _isExcused(charge_));
    }

    /// @inheritdoc ISlasher
    function windows() external view returns (Windows memory) {
        return Windows(_acceptanceWindow, _challengeWindow, _evidenceWindow, _minimumDelay);
    }

    /// @dev What two certificates are a charge of; `provedAt` is set where they are of one height
    function _compare(
        IEvidenceVerifier.Certificate calldata lower,
        IEvidenceVerifier.Certificate calldata higher
    ) private view returns (Charge memory charge_) {
        (Certificates.Claim calldata low, Certificates.Claim calldata high) = (lower.claim, higher.claim);
        if (low.rollupId != high.rollupId || low.blockNumber > high.blockNumber) revert NotConflicting();
        _requireInTime(low.epoch, high.epoch);
        (bytes32 lowDigest, bytes32 lowSigners) = evidenceVerifier.checkCertificate(lower);
        (bytes32 highDigest, bytes32 highSigners) = evidenceVerifier.checkCertificate(higher);
        bool isOneHeight = low.blockNumber == high.blockNumber;
        if (isOneHeight && lowDigest >= highDigest) revert NotConflicting();
        if (!isOneHeight && registry.rollupAt(low.rollupId, low.epoch).settlement == address(0)) {
            revert NoSettlement(low.rollupId, low.epoch);
        }
        charge_ = Charge({
            rollupId: low.rollupId,
            lowerNumber: low.blockNumber,
            higherNumber: high.blockNumber,
            lowerEpoch: low.epoch,
            higherEpoch: high.epoch,
            lowerHash: low.blockHash,
            higherHash: high.blockHash,
            lowerDigest: lowDigest,
            higherDigest: highDigest,
            lowerSigners: lowSigners,
            higherSigners: highSigners,
            walkStart: high.blockHash,
            walkNumber: high.blockNumber,
            reporter: msg.sender,
            provedAt: isOneHeight ? _now() : 0
        });
    }

    /// @dev Changes nothing where the charge is open, but for proving it
    function _open(Charge memory charge_, uint256 deadline) private returns (bytes32 chargeId) {
        chargeId = keccak256(abi.encode(_pairIdOf(charge_), charge_.lowerSigners, charge_.higherSigners));
        if (_isExcused(charge_)) revert ChargeIsVoid(chargeId);
        if (deadline > _deadlines[chargeId]) _deadlines[chargeId] = deadline;
        Charge storage known = _charges[chargeId];
        if (known.lowerDigest == 0) {
            _charges[chargeId] = charge_;
            emit ConflictCharged(chargeId, charge_.rollupId, charge_);
        } else if (known.provedAt == 0 && charge_.provedAt != 0) {
            known.provedAt = charge_.provedAt;
            emit ChargeProved(chargeId, uint256(charge_.provedAt) + _challengeWindow);
        }
    }

    /// @dev From when on the signers of an excuse have a window: a whole one, or half of what is left until
    /// two after the deadline. Else excuse after excuse would put a charge off until no stake is left.
    function _restart(uint256 deadline) private view returns (uint64) {
        uint256 left = (deadline + 2 * uint256(_challengeWindow) - block.timestamp) / 2;
        if (left > _challengeWindow) return _now();
        return SafeCast.toUint64(block.timestamp + left - _challengeWindow);
    }

    function _convictSigners(
        Charge memory charge_,
        Certificates.OperatorSet calldata lowerSet,
        Certificates.OperatorSet calldata higherSet,
        Accused[] calldata accused
    ) private {
        (uint64 rollupId, uint64 number) = (charge_.rollupId, charge_.higherNumber);
        for (uint256 i = 0; i < accused.length; i++) {
            address operator = accused[i].inLower.member.operator;
            if (accused[i].inHigher.member.operator != operator) revert NotASigner(operator);
            bytes32 convictionId = convictionIdAt(operator, rollupId, number);
            if (_isConvicted(convictionId, Kind.ConflictingCertificates)) continue;
            _requireSigner(charge_.lowerSigners, charge_.lowerEpoch, lowerSet, accused[i].inLower);
            _requireSigner(charge_.higherSigners, charge_.higherEpoch, higherSet, accused[i].inHigher);
            _convictAt(operator, Kind.ConflictingCertificates, rollupId, number, charge_.reporter);
        }
    }

    /// @dev Nothing is false of which the registry does not know what is true. Whoever reports may fix
    /// the epoch first.
    function _requireFalse(uint64 epoch, bytes32 operatorSetHash) private view returns (uint64 signedBy) {
        bytes32 fixedHash = registry.operatorSetHash(epoch);
        if (epoch == 0 || fixedHash == 0 || fixedHash == operatorSetHash) revert NotFalse(epoch);
        signedBy = epoch - 1;
        _requireInTime(signedBy, signedBy);
    }

    function _requireSigner(
        bytes32 signers,
        uint64 epoch,
        Certificates.OperatorSet calldata operatorSet,
        IEvidenceVerifier.Membership calldata membership
    ) private view {
        uint256 index = membership.member.index;
        bool isSigner = index < 256 && uint8(signers[index / 8]) >> (index % 8) & 1 == 1;
        if (!isSigner) revert NotASigner(membership.member.operator);
        evidenceVerifier.checkMembership(epoch, operatorSet, membership);
    }

    function _requireInTime(uint64 epoch, uint64 other) private view {
        uint256 deadline = _deadlineOf(epoch, other);
        if (block.timestamp > deadline) revert EvidenceExpired(deadline);
    }

    function _liveCharge(bytes32 chargeId) private view returns (Charge storage charge_) {
        charge_ = _charges[chargeId];
        if (charge_.lowerDigest == 0) revert UnknownCharge(chargeId);
        if (_isExcused(charge_)) revert ChargeIsVoid(chargeId);
    }

    function _challengeable(bytes32 chargeId) private view returns (Charge memory charge_) {
        charge_ = _liveCharge(chargeId);
        if (charge_.lowerNumber == charge_.higherNumber) revert NotAnExcuse();
        uint256 end = uint256(charge_.provedAt) + _challengeWindow;
        if (charge_.provedAt != 0 && block.timestamp > end) revert ChallengeOver(end);
    }

    /// @dev By the later of two epochs: whoever contradicts what it signed long ago lies now
    function _deadlineOf(uint64 epoch, uint64 other) private view returns (uint256) {
        uint256 later = epoch > other ? epoch : other;
        return _genesisTime + (later + 1) * _epochSeconds + _evidenceWindow;
    }

    /// @dev Two certificates at one height have no excuse
    function _isExcused(Charge memory charge_) private view returns (bool) {
        if (charge_.lowerNumber == charge_.higherNumber) return false;
        return _isVoid[_pairIdOf(charge_)] || _isVoid[charge_.lowerDigest];
    }

    function _requireOneHeight(Certificates.Claim calldata one, Certificates.Claim calldata other)
        private
        pure
    {
        if (one.rollupId != other.rollupId || one.blockNumber != other.blockNumber) revert NotConflicting();
    }

    function _pairIdOf(Charge memory charge_) private pure returns (bytes32) {
        return keccak256(abi.encode(charge_.lowerDigest, charge_.higherDigest));
    }
}
