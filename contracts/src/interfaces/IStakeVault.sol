// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IWeightSource} from "./IWeightSource.sol";

/// @title Holds one ERC-20 asset that stakers put behind operators
/// @notice An asset whose balances change by themselves (rebasing) is not supported: use its wrapper.
interface IStakeVault is IWeightSource {
    /// @notice An exit that has begun: the assets no longer weigh, and stay locked until releaseTime.
    struct Withdrawal {
        address staker;
        address operator;
        uint256 assets;
        /// @dev In seconds; 0 when the withdrawal does not exist or is complete
        uint256 releaseTime;
    }

    /// @notice An address is zero or holds no code where code is needed, or assetsPerWeight is zero
    error InvalidConfiguration();
    /// @notice Nothing can be staked on the zero address
    error InvalidOperator();
    /// @notice Nothing arrived, or nothing was asked for
    error ZeroAssets();
    /// @notice The staker has less behind this operator than it asked for
    error InsufficientStake(uint256 staked, uint256 requested);
    /// @notice The withdrawal does not exist or is complete
    error UnknownWithdrawal(uint256 withdrawalId);
    /// @notice The assets are still locked
    error WithdrawalLocked(uint256 releaseTime);

    /// @notice Assets were put behind an operator; `assets` is what arrived
    event Deposited(address indexed staker, address indexed operator, uint256 assets);
    /// @notice An exit began: the weight is gone, the assets stay locked until releaseTime
    event WithdrawalRequested(
        uint256 indexed withdrawalId,
        address indexed staker,
        address indexed operator,
        uint256 assets,
        uint256 releaseTime
    );
    /// @notice The assets of an exit were paid to its staker
    event WithdrawalCompleted(uint256 indexed withdrawalId, address indexed staker, uint256 assets);

    /// @notice Puts assets behind an operator. What arrives counts, not what was sent.
    /// @return received The assets that arrived
    function deposit(address operator, uint256 assets) external returns (uint256 received);

    /// @notice Begins an exit: the weight leaves at once, the assets after withdrawalDelay
    /// @return withdrawalId Names the exit in completeWithdrawal
    function requestWithdrawal(address operator, uint256 assets) external returns (uint256 withdrawalId);

    /// @notice Pays an exit to its staker, whoever calls
    function completeWithdrawal(uint256 withdrawalId) external;

    /// @notice The assets that a staker has behind an operator, exits that have begun not counted
    function stakeOf(address staker, address operator) external view returns (uint256);

    /// @notice An exit that has begun
    function withdrawal(uint256 withdrawalId) external view returns (Withdrawal memory);

    /// @notice The asset
    function asset() external view returns (IERC20);

    /// @notice How many base units of the asset make one unit of weight
    function assetsPerWeight() external view returns (uint256);

    /// @notice Seconds between the begin of an exit and the release of its assets
    function withdrawalDelay() external view returns (uint256);
}
