// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ISlashableSource} from "./ISlashableSource.sol";

/// @title Holds one ERC-20 asset that stakers put behind operators
/// @notice Whoever stands behind an operator loses the same fraction by a slash. An exit that waits
/// loses by the slashes before its releaseTime and by none from then on, whenever it is completed.
/// An asset whose balances change by themselves (rebasing) is not supported: use its wrapper.
interface IStakeVault is ISlashableSource {
    /// @notice An exit that has begun: the assets no longer weigh, and can be slashed until releaseTime.
    struct Withdrawal {
        address staker;
        address operator;
        /// @dev What the slashes so far have left of it
        uint256 assets;
        /// @dev In seconds
        uint256 releaseTime;
    }

    /// @notice An address is zero or holds no code where code is needed, assetsPerWeight is zero, or
    /// withdrawalDelay is zero or longer than a year
    error InvalidConfiguration();
    /// @notice Nothing can be staked on the zero address
    error InvalidOperator();
    /// @notice Slashes have left less than a billionth of what was staked on the operator: nothing more
    /// can be staked on it until all of that is slashed or released
    error OperatorDepleted(address operator);
    /// @notice Nothing arrived, or nothing was asked for
    error ZeroAssets();
    /// @notice The staker has nothing behind this operator
    error NothingStaked(address staker, address operator);
    /// @notice The withdrawal does not exist or is complete
    error UnknownWithdrawal(uint256 withdrawalId);
    /// @notice The assets are still locked
    error WithdrawalLocked(uint256 releaseTime);
    /// @notice The fraction to slash is zero or above 1e18
    error InvalidFraction(uint256 wad);

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
    /// @notice An operator was slashed by this fraction (1e18 is all); `assets` left the vault
    event StakeSlashed(address indexed operator, uint256 wad, uint256 assets, string description);

    /// @notice Puts assets behind an operator. What arrives counts, not what was sent.
    /// @return received The assets that arrived
    function deposit(address operator, uint256 assets) external returns (uint256 received);

    /// @notice Begins an exit: the weight leaves at once, the assets after withdrawalDelay
    /// @param assets More than is staked exits all of it, so that no slash in between stops an exit
    /// @return withdrawalId Names the exit in completeWithdrawal
    function requestWithdrawal(address operator, uint256 assets) external returns (uint256 withdrawalId);

    /// @notice Pays an exit to its staker, whoever calls
    function completeWithdrawal(uint256 withdrawalId) external;

    /// @notice The assets that a staker has behind an operator, exits that have begun not counted
    function stakeOf(address staker, address operator) external view returns (uint256);

    /// @notice The assets that a slash of this operator could take now, exits that wait included
    function slashableOf(address operator) external view returns (uint256);

    /// @notice An exit that has begun
    function withdrawal(uint256 withdrawalId) external view returns (Withdrawal memory);

    /// @notice The asset
    function asset() external view returns (IERC20);

    /// @notice How many base units of the asset make one unit of weight
    function assetsPerWeight() external view returns (uint256);

    /// @notice Seconds between the begin of an exit and the release of its assets
    function withdrawalDelay() external view returns (uint256);
}
