// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The part of EigenLayer's AllocationManager that EigenLayerSource calls
/// @dev Written from its public ABI. A strategy is an address here, as it is in the ABI.
interface IAllocationManager {
    struct OperatorSet {
        address avs;
        uint32 id;
    }

    struct SlashingParams {
        address operator;
        uint32 operatorSetId;
        /// @dev In strictly ascending order
        address[] strategies;
        /// @dev Each above zero and at most 1e18
        uint256[] wadsToSlash;
        string description;
    }

    /// @notice The shares that stay slashable until `futureBlock`, by operator and strategy
    /// @dev Accurate for a block in the future, by fewer than DEALLOCATION_DELAY blocks
    function getMinimumSlashableStake(
        OperatorSet memory operatorSet,
        address[] memory operators,
        address[] memory strategies,
        uint32 futureBlock
    ) external view returns (uint256[][] memory slashableStake);

    /// @notice Slashes an operator's allocations to a set; only for the set's slasher
    function slashOperator(address avs, SlashingParams calldata params)
        external
        returns (uint256 slashId, uint256[] memory shares);

    /// @notice Blocks until a deallocation or an exit from a set takes effect
    function DEALLOCATION_DELAY() external view returns (uint32 delay);
}
