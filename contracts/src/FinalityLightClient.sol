// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IFinalityLightClient} from "./interfaces/IFinalityLightClient.sol";
import {Certificates} from "./libraries/Certificates.sol";
import {Headers} from "./libraries/Headers.sol";

/// @title Follows operator sets and holds fast-final blocks, on any chain with EIP-2537
contract FinalityLightClient is IFinalityLightClient, Ownable2Step {
    uint256 private constant HELD_BLOCKS = 16;
    uint256 private constant NOWHERE = HELD_BLOCKS;

    /// @dev The held blocks are those of the greatest heights: which ones does not depend on the order
    /// in which certificates come, so that nobody gains from coming first
    struct RollupState {
        uint16 thresholdBps;
        uint8 leastVerification;
        bool isFrozen;
        uint64 newest;
        uint64 floor;
        /// @dev Zero is an empty place
        uint64[HELD_BLOCKS] heights;
        mapping(uint256 place => Held) blocks;
        Conflict conflict;
    }

    uint256 private immutable _chainId;
    address private immutable _registry;
    bytes32 private immutable _separator;
    uint64 private immutable _genesisTime;
    uint64 private immutable _epochSeconds;
    uint64 private immutable _acceptanceWindow;

    /// @inheritdoc IFinalityLightClient
    mapping(uint64 epoch => bytes32) public operatorSetHash;
    /// @inheritdoc IFinalityLightClient
    uint64 public newestEpoch;
    /// @inheritdoc IFinalityLightClient
    bool public isPaused;

    mapping(uint64 rollupId => RollupState) private _rollups;

    constructor(
        address owner_,
        Network memory network_,
        uint64 epoch,
        bytes32 operatorSetHash_,
        Policy[] memory policies
    ) Ownable(owner_) {
        if (
            owner_.code.length == 0 || network_.domain.chainId == 0
                || network_.domain.verifyingContract == address(0) || network_.epochSeconds == 0
                || network_.acceptanceWindow == 0
        ) revert InvalidConfiguration();
        _chainId = network_.domain.chainId;
        _registry = network_.domain.verifyingContract;
        _separator = Certificates.domainSeparator(network_.domain);
        _genesisTime = network_.genesisTime;
        _epochSeconds = network_.epochSeconds;
        _acceptanceWindow = network_.acceptanceWindow;
        _trust(epoch, operatorSetHash_);
        for (uint256 i = 0; i < policies.length; i++) {
            _setPolicy(policies[i]);
        }
    }

    /// @inheritdoc IFinalityLightClient
    function submitCertificate(Certificates.Claim calldata claim, Certificates.Signers calldata signed)
        external
        returns (bool isHeld)
    {
        if (isPaused) revert CertificatesPaused();
        RollupState storage rollup = _liveRollup(claim.rollupId);
        bytes32 digest = Certificates.claimDigest(_separator, claim);
        uint256 place = _placeOf(rollup, claim.blockNumber);
        if (place != NOWHERE && rollup.blocks[place].digest == digest) return true;

        bytes32 certificateId = _checkCertificate(rollup, claim, digest, signed);
        Held memory block_ = Held(claim.blockHash, digest);
        if (place != NOWHERE) {
            _freeze(claim.rollupId, Conflict(claim.blockNumber, rollup.blocks[place], block_));
            return false;
        }
        if (claim.verification < rollup.leastVerification) {
            revert VerificationTooLow(claim.verification, rollup.leastVerification);
        }
        isHeld = _hold(rollup, claim.blockNumber, block_);
        if (isHeld) {
            emit CertificateAccepted(claim.rollupId, claim.blockNumber, claim.blockHash, certificateId);
        }
    }

    /// @inheritdoc IFinalityLightClient
    function submitSetUpdate(uint64 epoch, bytes32 operatorSetHash_, Certificates.Signers calldata signed)
        external
    {
        if (operatorSetHash_ != 0 && operatorSetHash[epoch] == operatorSetHash_) return;
        uint64 signedBy = newestEpoch;
        if (epoch != uint256(signedBy) + 1) revert EpochNotNext(epoch, signedBy);
        _requireUnexpired(signedBy);
        Certificates.Answer memory answer = Certificates.check(
            Certificates.setUpdateDigest(_separator, epoch, operatorSetHash_),
            operatorSetHash[signedBy],
            signedBy,
            Certificates.MIN_THRESHOLD_BPS,
            signed
        );
        if (answer.code != Certificates.Code.Valid) revert NotValid(answer.code);
        _trust(epoch, operatorSetHash_);
    }

    /// @inheritdoc IFinalityLightClient
    function submitFork(uint64 rollupId, uint64 higherNumber, bytes[] calldata headers) external {
        RollupState storage rollup = _liveRollup(rollupId);
        Held memory higher = _heldAt(rollup, rollupId, higherNumber);
        if (headers.length == 0 || headers.length > higherNumber) revert NotConflicting();
        uint64 lowerNumber = higherNumber - uint64(headers.length);
        Held memory lower = _heldAt(rollup, rollupId, lowerNumber);
        if (Headers.ancestorOf(higher.blockHash, headers) == lower.blockHash) revert NotConflicting();
        _freeze(rollupId, Conflict(lowerNumber, lower, higher));
    }

    /// @inheritdoc IFinalityLightClient
    function isFastFinal(uint64 rollupId, uint64 blockNumber, bytes32 blockHash)
        external
        view
        returns (bool)
    {
        RollupState storage rollup = _rollups[rollupId];
        if (rollup.isFrozen || blockHash == 0) return false;
        uint256 place = _placeOf(rollup, blockNumber);
        return place != NOWHERE && rollup.blocks[place].blockHash == blockHash;
    }

    /// @inheritdoc IFinalityLightClient
    function ancestorOf(uint64 rollupId, uint64 certifiedNumber, bytes[] calldata headers)
        external
        view
        returns (uint64 blockNumber, bytes32 blockHash)
    {
        Held memory certified = _heldAt(_liveRollup(rollupId), rollupId, certifiedNumber);
        if (headers.length > certifiedNumber) revert Headers.BrokenHeaderChain(certifiedNumber);
        blockHash = Headers.ancestorOf(certified.blockHash, headers);
        blockNumber = certifiedNumber - uint64(headers.length);
    }

    /// @inheritdoc IFinalityLightClient
    function newestBlock(uint64 rollupId) external view returns (uint64 blockNumber, bytes32 blockHash) {
        RollupState storage rollup = _rollups[rollupId];
        if (rollup.isFrozen || rollup.newest == 0) return (0, 0);
        return (rollup.newest, rollup.blocks[_placeOf(rollup, rollup.newest)].blockHash);
    }

    /// @inheritdoc IFinalityLightClient
    function policy(uint64 rollupId) external view returns (Policy memory) {
        RollupState storage rollup = _rollups[rollupId];
        return Policy(rollupId, rollup.thresholdBps, rollup.leastVerification);
    }

    /// @inheritdoc IFinalityLightClient
    function conflict(uint64 rollupId) external view returns (Conflict memory, bool isFrozen) {
        RollupState storage rollup = _rollups[rollupId];
        return (rollup.conflict, rollup.isFrozen);
    }

    /// @inheritdoc IFinalityLightClient
    function network() external view returns (Network memory) {
        return Network(
            Certificates.Domain(_chainId, _registry), _genesisTime, _epochSeconds, _acceptanceWindow
        );
    }

    /// @inheritdoc IFinalityLightClient
    function setPolicy(Policy calldata policy_) external onlyOwner {
        _setPolicy(policy_);
    }

    /// @inheritdoc IFinalityLightClient
    function trustOperatorSet(uint64 epoch, bytes32 operatorSetHash_) external onlyOwner {
        if (epoch <= newestEpoch) revert EpochNotNext(epoch, newestEpoch);
        _trust(epoch, operatorSetHash_);
    }

    /// @inheritdoc IFinalityLightClient
    function resumeRollup(uint64 rollupId, uint64 floor) external onlyOwner {
        RollupState storage rollup = _rollups[rollupId];
        if (!rollup.isFrozen) revert RollupNotFrozen(rollupId);
        if (floor < rollup.newest) revert HeightTooLow(floor, rollup.newest);
        (rollup.isFrozen, rollup.newest, rollup.floor) = (false, 0, floor);
        delete rollup.heights;
        emit RollupResumed(rollupId, floor);
    }

    /// @inheritdoc IFinalityLightClient
    function setPaused(bool isPaused_) external onlyOwner {
        isPaused = isPaused_;
        emit PauseChanged(isPaused_);
    }

    function _checkCertificate(
        RollupState storage rollup,
        Certificates.Claim calldata claim,
        bytes32 digest,
        Certificates.Signers calldata signed
    ) private view returns (bytes32 certificateId) {
        if (claim.blockNumber <= rollup.floor) revert HeightTooLow(claim.blockNumber, rollup.floor);
        if (!Certificates.isInEpoch(claim.timestamp, claim.epoch, _genesisTime, _epochSeconds)) {
            revert NotValid(Certificates.Code.EpochMismatch);
        }
        _requireUnexpired(claim.epoch);
        bytes32 setHash = operatorSetHash[claim.epoch];
        Certificates.Answer memory answer =
            Certificates.check(digest, setHash, claim.epoch, rollup.thresholdBps, signed);
        if (answer.code != Certificates.Code.Valid) revert NotValid(answer.code);
        return Certificates.certificateId(digest, setHash, answer.signers);
    }

    /// @dev Takes the place of the least height that is held, if that is less
    function _hold(RollupState storage rollup, uint64 blockNumber, Held memory block_)
        private
        returns (bool)
    {
        uint256 place = 0;
        for (uint256 i = 1; i < HELD_BLOCKS; i++) {
            if (rollup.heights[i] < rollup.heights[place]) place = i;
        }
        if (blockNumber < rollup.heights[place]) return false;
        rollup.heights[place] = blockNumber;
        rollup.blocks[place] = block_;
        if (blockNumber > rollup.newest) rollup.newest = blockNumber;
        return true;
    }

    function _freeze(uint64 rollupId, Conflict memory conflict_) private {
        RollupState storage rollup = _rollups[rollupId];
        rollup.isFrozen = true;
        rollup.conflict = conflict_;
        emit RollupFroze(rollupId, conflict_);
    }

    function _trust(uint64 epoch, bytes32 operatorSetHash_) private {
        if (operatorSetHash_ == 0) revert InvalidConfiguration();
        // The registry fixes an epoch at its snapshot: whatever names a later one is not true yet.
        uint256 snapshotTime = _genesisTime + uint256(epoch == 0 ? 0 : epoch - 1) * _epochSeconds;
        if (block.timestamp < snapshotTime) revert EpochTooEarly(epoch, snapshotTime);
        operatorSetHash[epoch] = operatorSetHash_;
        newestEpoch = epoch;
        emit OperatorSetTrusted(epoch, operatorSetHash_);
    }

    function _setPolicy(Policy memory policy_) private {
        if (
            policy_.rollupId == 0 || policy_.thresholdBps < Certificates.MIN_THRESHOLD_BPS
                || policy_.thresholdBps > Certificates.MAX_THRESHOLD_BPS || policy_.leastVerification < 1
                || policy_.leastVerification > 2
        ) revert InvalidConfiguration();
        RollupState storage rollup = _rollups[policy_.rollupId];
        rollup.thresholdBps = policy_.thresholdBps;
        rollup.leastVerification = policy_.leastVerification;
        emit PolicyChanged(policy_.rollupId, policy_.thresholdBps, policy_.leastVerification);
    }

    function _requireUnexpired(uint64 epoch) private view {
        uint256 end = _genesisTime + (uint256(epoch) + 1) * _epochSeconds;
        if (block.timestamp > end + _acceptanceWindow) revert OperatorSetExpired(epoch);
    }

    function _liveRollup(uint64 rollupId) private view returns (RollupState storage rollup) {
        rollup = _rollups[rollupId];
        if (rollup.thresholdBps == 0) revert UnknownRollup(rollupId);
        if (rollup.isFrozen) revert RollupFrozen(rollupId);
    }

    function _heldAt(RollupState storage rollup, uint64 rollupId, uint64 blockNumber)
        private
        view
        returns (Held memory)
    {
        uint256 place = _placeOf(rollup, blockNumber);
        if (place == NOWHERE) revert NotHeld(rollupId, blockNumber);
        return rollup.blocks[place];
    }

    function _placeOf(RollupState storage rollup, uint64 blockNumber) private view returns (uint256 place) {
        if (blockNumber == 0) return NOWHERE;
        while (place < HELD_BLOCKS && rollup.heights[place] != blockNumber) {
            place++;
        }
    }
}
