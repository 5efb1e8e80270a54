// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllocationManager} from "../src/interfaces/IAllocationManager.sol";

/// @dev Keeps AllocationManager's rules for one operator set: magnitudes, the delay of deallocations
/// and exits with slashableUntil, one slasher, ascending strategies, fractions rounded up
contract AllocationManagerDouble is IAllocationManager {
    error InvalidCaller();
    error OperatorNotSlashable();
    error StrategiesMustBeInAscendingOrder();
    error InvalidWadToSlash();

    struct Allocation {
        uint64 maxMagnitude;
        uint64 currentMagnitude;
        int128 pendingDiff;
        uint32 effectBlock;
        uint256 shares;
    }

    uint32 public constant DEALLOCATION_DELAY = 100_800;
    uint256 private constant WAD = 1e18;

    address private _slasher;
    bool private _isMalformed;
    uint256 private _slashCount;
    mapping(address operator => bool) private _isMember;
    mapping(address operator => uint32) private _slashableUntil;
    mapping(address operator => mapping(address strategy => Allocation)) private _allocations;

    function setSlasher(address slasher) external {
        _slasher = slasher;
    }

    function answerForOtherStrategies() external {
        _isMalformed = true;
    }

    /// @dev An allocation in force at once, of the given magnitude of 1e18
    function allocate(address operator, address strategy, uint64 magnitude, uint256 shares) external {
        _isMember[operator] = true;
        _allocations[operator][strategy] = Allocation(uint64(WAD), magnitude, 0, 0, shares);
    }

    /// @dev An allocation that takes effect later
    function allocateLater(address operator, address strategy, uint64 more, uint32 effectBlock) external {
        Allocation storage allocation = _allocations[operator][strategy];
        (allocation.pendingDiff, allocation.effectBlock) = (int128(uint128(more)), effectBlock);
    }

    /// @dev Stays slashable until the deallocation delay is over
    function deallocate(address operator, address strategy, uint64 less) external {
        Allocation storage allocation = _allocations[operator][strategy];
        allocation.pendingDiff = -int128(uint128(less));
        allocation.effectBlock = uint32(block.number) + DEALLOCATION_DELAY;
    }

    function deregister(address operator) external {
        _isMember[operator] = false;
        _slashableUntil[operator] = uint32(block.number) + DEALLOCATION_DELAY;
    }

    function slashOperator(address, SlashingParams calldata params)
        external
        returns (uint256 slashId, uint256[] memory shares)
    {
        if (msg.sender != _slasher) revert InvalidCaller();
        if (!_isSlashable(params.operator)) revert OperatorNotSlashable();
        shares = new uint256[](params.strategies.length);
        for (uint256 i = 0; i < params.strategies.length; i++) {
            if (i > 0 && params.strategies[i] <= params.strategies[i - 1]) {
                revert StrategiesMustBeInAscendingOrder();
            }
            uint256 wad = params.wadsToSlash[i];
            if (wad == 0 || wad > WAD) revert InvalidWadToSlash();
            shares[i] = _slash(_allocations[params.operator][params.strategies[i]], wad);
        }
        return (++_slashCount, shares);
    }

    function getMinimumSlashableStake(
        OperatorSet memory,
        address[] memory operators,
        address[] memory strategies,
        uint32 futureBlock
    ) external view returns (uint256[][] memory stakes) {
        stakes = new uint256[][](operators.length);
        for (uint256 i = 0; i < operators.length; i++) {
            stakes[i] = new uint256[](_isMalformed ? strategies.length + 1 : strategies.length);
            if (!_isSlashable(operators[i])) continue;
            for (uint256 j = 0; j < strategies.length; j++) {
                Allocation memory allocation = _allocations[operators[i]][strategies[j]];
                if (allocation.maxMagnitude == 0) continue;
                uint256 magnitude = allocation.currentMagnitude;
                if (allocation.effectBlock <= block.number) {
                    magnitude = _sum(magnitude, allocation.pendingDiff);
                } else if (allocation.effectBlock <= futureBlock && allocation.pendingDiff < 0) {
                    magnitude = _sum(magnitude, allocation.pendingDiff);
                }
                stakes[i][j] = allocation.shares * magnitude / allocation.maxMagnitude;
            }
        }
    }

    function _slash(Allocation storage allocation, uint256 wad) private returns (uint256 shares) {
        if (allocation.currentMagnitude == 0) return 0;
        uint64 slashed = uint64((uint256(allocation.currentMagnitude) * wad + WAD - 1) / WAD);
        shares = allocation.shares * slashed / allocation.maxMagnitude;
        allocation.shares -= shares;
        allocation.currentMagnitude -= slashed;
        allocation.maxMagnitude -= slashed;
        if (allocation.pendingDiff < 0) {
            uint256 pending = uint256(uint128(-allocation.pendingDiff));
            allocation.pendingDiff += int128(uint128((pending * wad + WAD - 1) / WAD));
        }
    }

    function _isSlashable(address operator) private view returns (bool) {
        return _isMember[operator] || block.number <= _slashableUntil[operator];
    }

    function _sum(uint256 magnitude, int128 diff) private pure returns (uint256) {
        return uint256(int256(magnitude) + diff);
    }
}
