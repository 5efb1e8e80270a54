// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IRegistry} from "./interfaces/IRegistry.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";
import {IWeightSource} from "./interfaces/IWeightSource.sol";
import {BLS} from "./libraries/BLS.sol";
import {OperatorSets} from "./libraries/OperatorSets.sol";

/// @title The registry of rollups, operators and epochs
contract Registry is IRegistry, Ownable2Step, EIP712 {
    using Checkpoints for Checkpoints.Trace208;

    /// @dev A history maps timestamps to positions in a list, counted from 1: 0 is "none"
    struct OperatorState {
        address next;
        Checkpoints.Trace208 history;
        bytes32[4][] publicKeys;
    }

    /// @dev How far fixEpochInParts has come: `last` is the operator that was looked at last
    struct PartialEpoch {
        address last;
        OperatorSets.Partial set;
    }

    struct RollupState {
        Checkpoints.Trace208 history;
        Rollup[] versions;
    }

    /// @dev Bounds fixEpoch, which must fit into one transaction
    uint256 private constant MAX_OPERATORS = 256;
    uint256 private constant MAX_ROLLUPS = 256;

    bytes32 private constant KEY_REGISTRATION_TYPEHASH =
        keccak256("KeyRegistration(address operator,bytes32 publicKeyHash,uint256 nonce)");

    /// @inheritdoc IRegistry
    IWeightSource public immutable weightSource;
    /// @inheritdoc IRegistry
    uint64 public immutable genesisTime;
    /// @inheritdoc IRegistry
    uint64 public immutable epochSeconds;

    /// @inheritdoc IRegistry
    mapping(uint64 epoch => bytes32) public operatorSetHash;
    /// @inheritdoc IRegistry
    uint256 public operatorCount;
    /// @inheritdoc IRegistry
    uint256 public minimumWeight = 1;

    /// @dev A list linked in ascending order of address, from and to the zero address. Kept sorted
    /// here because sorting where an epoch is fixed would let the order of registrations decide its
    /// cost.
    mapping(address operator => OperatorState) private _operators;
    mapping(bytes32 publicKeyHash => bool) private _isKeyRegistered;
    mapping(uint64 rollupId => RollupState) private _rollups;
    uint64[] private _rollupIds;
    mapping(uint64 epoch => PartialEpoch) private _partialEpochs;

    constructor(address owner_, IWeightSource weightSource_, uint64 genesisTime_, uint64 epochSeconds_)
        Ownable(owner_)
        EIP712("MACH", "1")
    {
        if (genesisTime_ <= block.timestamp || epochSeconds_ == 0 || address(weightSource_).code.length == 0) {
            revert InvalidConfiguration();
        }
        weightSource = weightSource_;
        genesisTime = genesisTime_;
        epochSeconds = epochSeconds_;
    }

    /// @inheritdoc IRegistry
    function fixEpoch(uint64 epoch) external returns (bytes32 setHash) {
        setHash = operatorSetHash[epoch];
        if (setHash != 0) return setHash;
        (address[] memory list, bytes32[4][] memory publicKeys, uint256[] memory weights) = operatorsAt(epoch);
        if (list.length == 0) revert NoOperators(epoch);
        setHash = OperatorSets.hash(epoch, list, publicKeys, weights);
        _fix(epoch, setHash);
    }

    /// @inheritdoc IRegistry
    function fixEpochInParts(uint64 epoch, uint256 limit) external returns (bytes32 setHash) {
        setHash = operatorSetHash[epoch];
        if (setHash != 0) return setHash;
        uint256 time = _readySnapshotTime(epoch);
        // Who joins meanwhile is not in the snapshot, and nobody leaves the list: wherever the last
        // call stopped, the rest of the snapshot's operators follow.
        PartialEpoch memory partial_ = _partialEpochs[epoch];
        address each = _operators[partial_.last].next;
        for (; each != address(0) && limit > 0; each = _operators[each].next) {
            (bytes32[4] memory publicKey, uint256 weight) = _operatorAt(each, time);
            if (weight != 0) OperatorSets.append(partial_.set, each, publicKey, weight);
            partial_.last = each;
            limit--;
        }
        if (each != address(0)) {
            _partialEpochs[epoch] = partial_;
            return 0;
        }
        if (partial_.set.count == 0) revert NoOperators(epoch);
        delete _partialEpochs[epoch];
        setHash = OperatorSets.finish(partial_.set, epoch);
        _fix(epoch, setHash);
    }

    /// @inheritdoc IRegistry
    function registerOperator(bytes calldata publicKey, bytes calldata proof) external {
        OperatorState storage state = _operators[msg.sender];
        uint256 nonce = state.publicKeys.length;
        if (nonce != 0) revert OperatorAlreadyRegistered(msg.sender);
        if (operatorCount == MAX_OPERATORS) revert TooManyOperators();
        uint256 weight = weightSource.weightAt(msg.sender, block.timestamp + 1);
        if (weight == 0 || weight < minimumWeight) revert WeightTooLow(weight, minimumWeight);

        _addKey(state, publicKey, proof, nonce);
        _link(msg.sender);
        operatorCount++;
    }

    /// @inheritdoc IRegistry
    function rotateKey(bytes calldata publicKey, bytes calldata proof) external {
        OperatorState storage state = _operators[msg.sender];
        uint256 nonce = state.publicKeys.length;
        if (nonce == 0) revert OperatorNotRegistered(msg.sender);
        _addKey(state, publicKey, proof, nonce);
    }

    /// @inheritdoc IRegistry
    function operatorsAt(uint64 epoch)
        public
        view
        returns (address[] memory list, bytes32[4][] memory publicKeys, uint256[] memory weights)
    {
        uint256 time = _readySnapshotTime(epoch);
        uint256 bound = operatorCount;
        list = new address[](bound);
        publicKeys = new bytes32[4][](bound);
        weights = new uint256[](bound);
        uint256 count = 0;
        for (address each = _operators[address(0)].next; each != address(0); each = _operators[each].next) {
            (bytes32[4] memory publicKey, uint256 weight) = _operatorAt(each, time);
            if (weight == 0) continue;
            (list[count], publicKeys[count], weights[count]) = (each, publicKey, weight);
            count++;
        }
        // Only shortens: count never passes the number of operators.
        assembly ("memory-safe") {
            mstore(list, count)
            mstore(publicKeys, count)
            mstore(weights, count)
        }
    }

    /// @inheritdoc IRegistry
    function rollupsAt(uint64 epoch) external view returns (Rollup[] memory list) {
        uint256 time = _readySnapshotTime(epoch);
        uint256 bound = _rollupIds.length;
        list = new Rollup[](bound);
        uint256 count = 0;
        for (uint256 i = 0; i < bound; i++) {
            RollupState storage state = _rollups[_rollupIds[i]];
            uint256 position = _positionAt(state.history, time);
            if (position != 0) list[count++] = state.versions[position - 1];
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    /// @inheritdoc IRegistry
    function rollupAt(uint64 rollupId, uint64 epoch) external view returns (Rollup memory) {
        RollupState storage state = _rollups[rollupId];
        uint256 position = _positionAt(state.history, _readySnapshotTime(epoch));
        if (position == 0) revert UnknownRollup(rollupId);
        return state.versions[position - 1];
    }

    /// @inheritdoc IRegistry
    function snapshotTime(uint64 epoch) public view returns (uint256) {
        if (epoch == 0) return genesisTime;
        return genesisTime + uint256(epoch - 1) * epochSeconds;
    }

    /// @inheritdoc IRegistry
    function operators(address after_, uint256 limit) external view returns (address[] memory list) {
        list = new address[](limit < operatorCount ? limit : operatorCount);
        uint256 count = 0;
        address each = _operators[address(0)].next;
        while (each != address(0) && count < list.length) {
            if (each > after_) list[count++] = each;
            each = _operators[each].next;
        }
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }

    /// @inheritdoc IRegistry
    function keyCount(address operator) external view returns (uint256) {
        return _operators[operator].publicKeys.length;
    }

    /// @inheritdoc IRegistry
    function addRollup(
        uint64 rollupId,
        bytes32 stack,
        uint64 attestationInterval,
        uint16 thresholdBps,
        uint8 verification,
        address settlement
    ) external onlyOwner {
        RollupState storage state = _rollups[rollupId];
        if (state.versions.length != 0) revert RollupAlreadyAdded(rollupId);
        if (_rollupIds.length == MAX_ROLLUPS) revert TooManyRollups();
        _rollupIds.push(rollupId);
        _setRollup(
            state, Rollup(rollupId, stack, attestationInterval, thresholdBps, verification, settlement)
        );
        emit RollupAdded(rollupId, stack, attestationInterval, thresholdBps, verification, settlement);
    }

    /// @inheritdoc IRegistry
    function setRollup(
        uint64 rollupId,
        bytes32 stack,
        uint64 attestationInterval,
        uint16 thresholdBps,
        uint8 verification,
        address settlement
    ) external onlyOwner {
        RollupState storage state = _activeRollup(rollupId);
        _setRollup(
            state, Rollup(rollupId, stack, attestationInterval, thresholdBps, verification, settlement)
        );
        emit RollupChanged(rollupId, stack, attestationInterval, thresholdBps, verification, settlement);
    }

    /// @inheritdoc IRegistry
    function retireRollup(uint64 rollupId) external onlyOwner {
        _activeRollup(rollupId).history.push(_now(), 0);
        emit RollupRetired(rollupId);
    }

    /// @inheritdoc IRegistry
    function setMinimumWeight(uint256 minimumWeight_) external onlyOwner {
        minimumWeight = minimumWeight_;
        emit MinimumWeightChanged(minimumWeight_);
    }

    function _fix(uint64 epoch, bytes32 setHash) private {
        operatorSetHash[epoch] = setHash;
        emit EpochFixed(epoch, setHash);
    }

    function _addKey(
        OperatorState storage state,
        bytes calldata publicKey,
        bytes calldata proof,
        uint256 nonce
    ) private {
        state.publicKeys.push(_checkKey(publicKey, proof, nonce));
        state.history.push(_now(), SafeCast.toUint208(state.publicKeys.length));
        emit KeyRegistered(msg.sender, publicKey, nonce);
    }

    function _checkKey(bytes calldata publicKey, bytes calldata proof, uint256 nonce)
        private
        returns (bytes32[4] memory key)
    {
        if (publicKey.length != 128) revert InvalidPublicKey();
        key = abi.decode(publicKey, (bytes32[4]));
        if (!BLS.isCanonical(key) || BLS.isInfinity(key)) revert InvalidPublicKey();
        // One point has one canonical encoding, so its hash stands for it.
        bytes32 keyHash = keccak256(publicKey);
        if (_isKeyRegistered[keyHash]) revert KeyAlreadyRegistered(keyHash);
        _isKeyRegistered[keyHash] = true;

        if (proof.length != 256) revert InvalidProof();
        bytes32[8] memory signature = abi.decode(proof, (bytes32[8]));
        if (!BLS.isCanonical(signature)) revert InvalidProof();
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(KEY_REGISTRATION_TYPEHASH, msg.sender, keyHash, nonce)));
        if (!BLS.verify(BLS.PROOF_OF_POSSESSION_TAG, abi.encodePacked(digest), key, signature)) {
            revert InvalidProof();
        }
    }

    function _link(address operator) private {
        address previous = address(0);
        address next = _operators[previous].next;
        while (next != address(0) && next < operator) {
            previous = next;
            next = _operators[next].next;
        }
        _operators[operator].next = next;
        _operators[previous].next = operator;
    }

    function _setRollup(RollupState storage state, Rollup memory rollup) private {
        if (
            rollup.rollupId == 0 || rollup.stack == 0 || rollup.attestationInterval == 0
                || rollup.thresholdBps < 6667 || rollup.thresholdBps > 10_000
                || rollup.verification < 1 || rollup.verification > 2
                || !_isSettlementOf(rollup.settlement, rollup.rollupId)
        ) revert InvalidRollup();
        state.versions.push(rollup);
        state.history.push(_now(), SafeCast.toUint208(state.versions.length));
    }

    function _isSettlementOf(address settlement, uint64 rollupId) private view returns (bool) {
        if (settlement == address(0)) return true;
        return settlement.code.length != 0 && ISettlement(settlement).rollupId() == rollupId;
    }

    function _activeRollup(uint64 rollupId) private view returns (RollupState storage state) {
        state = _rollups[rollupId];
        if (state.history.latest() == 0) revert UnknownRollup(rollupId);
    }

    /// @dev From this time on no block can change what the snapshot holds
    function _readySnapshotTime(uint64 epoch) private view returns (uint256 time) {
        time = snapshotTime(epoch);
        if (block.timestamp < time) revert SnapshotNotReady(epoch, time);
    }

    /// @dev The weight is zero, and the key not read, where the operator is not in the snapshot
    function _operatorAt(address operator, uint256 time)
        private
        view
        returns (bytes32[4] memory publicKey, uint256 weight)
    {
        OperatorState storage state = _operators[operator];
        uint256 position = _positionAt(state.history, time);
        if (position == 0) return (publicKey, 0);
        weight = weightSource.weightAt(operator, time);
        if (weight != 0) publicKey = state.publicKeys[position - 1];
    }

    /// @dev Strictly before `time`, which is never 0: genesisTime lies after the deployment
    function _positionAt(Checkpoints.Trace208 storage history, uint256 time) private view returns (uint256) {
        return history.upperLookupRecent(SafeCast.toUint48(time - 1));
    }

    function _now() private view returns (uint48) {
        return SafeCast.toUint48(block.timestamp);
    }
}
