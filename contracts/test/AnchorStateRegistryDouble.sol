// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorStateRegistry} from "../src/interfaces/IAnchorStateRegistry.sol";
import {IDisputeGame} from "../src/interfaces/IDisputeGame.sol";

enum GameStatus {
    InProgress,
    ChallengerWins,
    DefenderWins
}

/// @dev The states that a dispute game passes through. Who argues what is not played: resolve takes the
/// outcome.
contract DisputeGameDouble is IDisputeGame {
    error NotInProgress();

    uint32 public immutable gameType;
    bytes32 public immutable rootClaim;
    uint256 public immutable blockNumber;
    uint64 public immutable createdAt;
    bool public immutable wasRespectedGameTypeWhenCreated;
    uint256 internal immutable _chainId;

    GameStatus public status;
    uint64 public resolvedAt;

    constructor(uint32 gameType_, bytes32 rootClaim_, uint256 blockNumber_, uint256 chainId, bool isRespected) {
        (gameType, rootClaim, blockNumber) = (gameType_, rootClaim_, blockNumber_);
        (_chainId, wasRespectedGameTypeWhenCreated) = (chainId, isRespected);
        createdAt = uint64(block.timestamp);
    }

    function l2ChainId() external view virtual returns (uint256) {
        return _chainId;
    }

    function gameData() external view returns (uint32, bytes32, bytes memory) {
        return (gameType, rootClaim, abi.encode(blockNumber));
    }

    function resolve(GameStatus outcome) external {
        if (status != GameStatus.InProgress || outcome == GameStatus.InProgress) revert NotInProgress();
        (status, resolvedAt) = (outcome, uint64(block.timestamp));
    }
}

/// @dev A game over super roots, which are of several chains: it has no l2ChainId
contract SuperDisputeGameDouble is DisputeGameDouble {
    error NoChainIdNeeded();

    constructor(uint32 gameType_, bytes32 rootClaim_, uint256 timestamp, bool isRespected)
        DisputeGameDouble(gameType_, rootClaim_, timestamp, 0, isRespected)
    {}

    function l2ChainId() external pure override returns (uint256) {
        revert NoChainIdNeeded();
    }
}

/// @dev Keeps the rules of AnchorStateRegistry and of the factory beside it: games are known by type,
/// root and extra data, respected as of their creation, blacklisted one by one, retired by the time of
/// their creation, final once the delay after their resolution is over; nothing counts while paused
contract AnchorStateRegistryDouble is IAnchorStateRegistry {
    error GameAlreadyExists();

    uint256 public constant FINALITY_DELAY = 302_400;

    uint32 public respectedGameType;
    uint64 public retirementTimestamp;
    bool public isPaused;
    mapping(DisputeGameDouble game => bool) public isGameBlacklisted;
    mapping(bytes32 uuid => DisputeGameDouble) private _games;

    function create(uint32 gameType, bytes32 rootClaim, uint256 blockNumber, uint256 chainId)
        external
        returns (DisputeGameDouble game)
    {
        game = new DisputeGameDouble(
            gameType, rootClaim, blockNumber, chainId, gameType == respectedGameType
        );
        _add(game);
    }

    function createSuper(uint32 gameType, bytes32 rootClaim, uint256 timestamp)
        external
        returns (DisputeGameDouble game)
    {
        game = new SuperDisputeGameDouble(gameType, rootClaim, timestamp, gameType == respectedGameType);
        _add(game);
    }

    function setRespectedGameType(uint32 gameType) external {
        respectedGameType = gameType;
    }

    function blacklist(DisputeGameDouble game) external {
        isGameBlacklisted[game] = true;
    }

    /// @dev Every game until now, those of this very second too
    function retireAll() external {
        retirementTimestamp = uint64(block.timestamp);
    }

    function setPaused(bool isPaused_) external {
        isPaused = isPaused_;
    }

    function isGameClaimValid(IDisputeGame anyGame) external view returns (bool) {
        DisputeGameDouble game = DisputeGameDouble(address(anyGame));
        return isGameProper(game) && game.wasRespectedGameTypeWhenCreated() && isGameFinalized(game)
            && game.status() == GameStatus.DefenderWins;
    }

    function isGameProper(DisputeGameDouble game) public view returns (bool) {
        return isGameRegistered(game) && !isGameBlacklisted[game]
            && game.createdAt() > retirementTimestamp && !isPaused;
    }

    function isGameRegistered(DisputeGameDouble game) public view returns (bool) {
        return address(_games[_uuid(game)]) == address(game);
    }

    function isGameFinalized(DisputeGameDouble game) public view returns (bool) {
        return game.resolvedAt() != 0 && block.timestamp - game.resolvedAt() > FINALITY_DELAY;
    }

    function _add(DisputeGameDouble game) private {
        bytes32 uuid = _uuid(game);
        if (address(_games[uuid]) != address(0)) revert GameAlreadyExists();
        _games[uuid] = game;
    }

    function _uuid(DisputeGameDouble game) private view returns (bytes32) {
        (uint32 gameType, bytes32 rootClaim, bytes memory extraData) = game.gameData();
        return keccak256(abi.encode(gameType, rootClaim, extraData));
    }
}
