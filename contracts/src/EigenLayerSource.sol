// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IAllocationManager} from "./interfaces/IAllocationManager.sol";
import {IEigenLayerSource} from "./interfaces/IEigenLayerSource.sol";
import {ISlashableSource} from "./interfaces/ISlashableSource.sol";
import {IWeightSource} from "./interfaces/IWeightSource.sol";

/// @title What operators have allocated to one EigenLayer operator set
contract EigenLayerSource is IEigenLayerSource {
    using Checkpoints for Checkpoints.Trace208;

    uint256 private constant MAX_ASSETS = 16;
    /// @dev An unchanged weight is checkpointed again only so many times in a span of maxStaleness:
    /// otherwise pokes could grow the history that fixing an epoch searches
    uint256 private constant POKES_PER_STALENESS = 4;

    /// @inheritdoc IEigenLayerSource
    IAllocationManager public immutable allocationManager;
    /// @inheritdoc ISlashableSource
    address public immutable slasher;

    address private immutable _avs;
    uint32 private immutable _operatorSetId;
    uint32 private immutable _lookaheadBlocks;
    uint32 private immutable _maxStaleness;

    Asset[] private _assets;
    /// @dev A value is the weight above 48 bits of the poke's timestamp
    mapping(address operator => Checkpoints.Trace208) private _history;

    constructor(
        IAllocationManager allocationManager_,
        IAllocationManager.OperatorSet memory operatorSet_,
        Asset[] memory assets_,
        Horizon memory horizon_,
        address slasher_
    ) {
        if (
            address(allocationManager_).code.length == 0 || operatorSet_.avs == address(0)
                || slasher_.code.length == 0 || assets_.length == 0 || assets_.length > MAX_ASSETS
                || horizon_.lookaheadBlocks == 0 || horizon_.maxStaleness < POKES_PER_STALENESS
                || horizon_.lookaheadBlocks >= allocationManager_.DEALLOCATION_DELAY()
        ) revert InvalidConfiguration();
        address previous = address(0);
        for (uint256 i = 0; i < assets_.length; i++) {
            if (assets_[i].strategy <= previous || assets_[i].sharesPerWeight == 0) {
                revert InvalidConfiguration();
            }
            previous = assets_[i].strategy;
            _assets.push(assets_[i]);
        }
        (allocationManager, slasher) = (allocationManager_, slasher_);
        (_avs, _operatorSetId) = (operatorSet_.avs, operatorSet_.id);
        (_lookaheadBlocks, _maxStaleness) = (horizon_.lookaheadBlocks, horizon_.maxStaleness);
    }

    /// @inheritdoc IEigenLayerSource
    function poke(address[] calldata operators) external {
        for (uint256 i = 0; i < operators.length; i++) {
            _poke(operators[i]);
        }
    }

    /// @inheritdoc IWeightSource
    function weightAt(address operator, uint256 timestamp) external view returns (uint256 weight) {
        if (timestamp == 0) return 0;
        uint256 pokedAt;
        (weight, pokedAt) = _unpack(_history[operator].upperLookupRecent(SafeCast.toUint48(timestamp - 1)));
        // An old zero is no danger: it gives nobody weight, and whom it costs some may poke.
        if (weight != 0 && timestamp - 1 > pokedAt + _maxStaleness) revert StaleWeight(operator, pokedAt);
    }

    /// @inheritdoc ISlashableSource
    function slash(address operator, uint256 wad, string calldata description)
        external
        returns (IERC20, uint256)
    {
        if (msg.sender != slasher) revert NotTheSlasher(msg.sender);
        uint256[] memory wads = new uint256[](_assets.length);
        for (uint256 i = 0; i < wads.length; i++) {
            wads[i] = wad;
        }
        (uint256 slashId,) = allocationManager.slashOperator(
            _avs,
            IAllocationManager.SlashingParams(operator, _operatorSetId, _strategies(), wads, description)
        );
        emit OperatorSlashed(operator, wad, slashId);
        _poke(operator);
        return (IERC20(address(0)), 0);
    }

    /// @inheritdoc IEigenLayerSource
    function operatorSet() external view returns (IAllocationManager.OperatorSet memory) {
        return IAllocationManager.OperatorSet(_avs, _operatorSetId);
    }

    /// @inheritdoc IEigenLayerSource
    function assets() external view returns (Asset[] memory) {
        return _assets;
    }

    /// @inheritdoc IEigenLayerSource
    function horizon() external view returns (Horizon memory) {
        return Horizon(_lookaheadBlocks, _maxStaleness);
    }

    function _poke(address operator) private {
        uint256 weight = _slashableWeight(operator);
        (uint256 known, uint256 pokedAt) = _unpack(_history[operator].latest());
        bool isFresh = block.timestamp < pokedAt + _maxStaleness / POKES_PER_STALENESS;
        if (weight == known && (isFresh || weight == 0)) return;
        uint48 time = SafeCast.toUint48(block.timestamp);
        _history[operator].push(time, (uint208(SafeCast.toUint128(weight)) << 48) | time);
        emit WeightPoked(operator, weight);
    }

    function _slashableWeight(address operator) private view returns (uint256 weight) {
        address[] memory operators = new address[](1);
        operators[0] = operator;
        uint256[][] memory stakes = allocationManager.getMinimumSlashableStake(
            IAllocationManager.OperatorSet(_avs, _operatorSetId),
            operators,
            _strategies(),
            SafeCast.toUint32(block.number + _lookaheadBlocks)
        );
        if (stakes.length != 1 || stakes[0].length != _assets.length) revert UnexpectedAnswer();
        for (uint256 i = 0; i < _assets.length; i++) {
            weight += stakes[0][i] / _assets[i].sharesPerWeight;
        }
    }

    function _strategies() private view returns (address[] memory strategies) {
        strategies = new address[](_assets.length);
        for (uint256 i = 0; i < strategies.length; i++) {
            strategies[i] = _assets[i].strategy;
        }
    }

    function _unpack(uint256 value) private pure returns (uint256 weight, uint256 pokedAt) {
        // The time is in the low 48 bits: the rest is cut off on purpose.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (value >> 48, uint48(value));
    }
}
