// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllocationManager} from "./IAllocationManager.sol";
import {ISlashableSource} from "./ISlashableSource.sol";

/// @title What operators have allocated to one EigenLayer operator set
/// @notice EigenLayer's views have no history, so anyone checkpoints an operator by `poke`. An operator
/// that was never poked has not joined this source. A weight above zero that was not poked for too long
/// is not known any more: asking for it reverts, and an epoch that needs it is not fixed.
/// A slash goes to all strategies, pending deallocations included, as long as AllocationManager holds
/// the operator slashable in the set, and reverts from then on. What it takes goes where the set's
/// configuration says, so that `slash` returns the zero address and nothing; this contract has to be
/// the set's slasher there.
interface IEigenLayerSource is ISlashableSource {
    /// @notice A strategy whose shares weigh
    struct Asset {
        address strategy;
        /// @dev How many shares make one unit of weight
        uint256 sharesPerWeight;
    }

    /// @notice How far ahead stake has to stay slashable, and how old a checkpoint may get
    struct Horizon {
        /// @dev Longer than maxStaleness, two epochs and the evidence window together; less than
        /// AllocationManager's deallocation delay
        uint32 lookaheadBlocks;
        /// @dev In seconds
        uint32 maxStaleness;
    }

    /// @notice An address is no contract, a number is out of range, or the strategies do not ascend
    error InvalidConfiguration();
    /// @notice AllocationManager answered for other strategies than it was asked for
    error UnexpectedAnswer();
    /// @notice The operator's last checkpoint is too old
    error StaleWeight(address operator, uint256 pokedAt);

    /// @notice An operator's weight was checkpointed
    event WeightPoked(address indexed operator, uint256 weight);
    /// @notice An operator was slashed by this fraction (1e18 is all) of what it has allocated
    event OperatorSlashed(address indexed operator, uint256 wad, uint256 slashId);

    /// @notice Checkpoints operators' weights from the next second on. Anyone may.
    function poke(address[] calldata operators) external;

    /// @notice EigenLayer's AllocationManager
    function allocationManager() external view returns (IAllocationManager);

    /// @notice The operator set whose stake weighs
    function operatorSet() external view returns (IAllocationManager.OperatorSet memory);

    /// @notice The strategies whose shares weigh
    function assets() external view returns (Asset[] memory);

    /// @notice How far ahead stake has to stay slashable, and how old a checkpoint may get
    function horizon() external view returns (Horizon memory);
}
