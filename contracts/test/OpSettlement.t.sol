// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OpSettlement} from "../src/OpSettlement.sol";
import {IAnchorStateRegistry} from "../src/interfaces/IAnchorStateRegistry.sol";
import {IDisputeGame} from "../src/interfaces/IDisputeGame.sol";
import {IOpSettlement} from "../src/interfaces/IOpSettlement.sol";
import {AnchorStateRegistryDouble, DisputeGameDouble, GameStatus} from "./AnchorStateRegistryDouble.sol";
import {TestBase} from "./TestBase.sol";

/// @dev Says of itself whatever a game could say, and which is not the factory's
contract ForgedGame {
    DisputeGameDouble private immutable _game;

    constructor(DisputeGameDouble game) {
        _game = game;
    }

    fallback(bytes calldata data) external returns (bytes memory) {
        (bool isAnswered, bytes memory answer) = address(_game).staticcall(data);
        assert(isAnswered);
        return answer;
    }
}

contract OpSettlementTest is TestBase {
    uint32 private constant CANNON = 0;
    uint32 private constant SUPER_CANNON = 4;
    uint64 private constant ROLLUP = 10;
    uint256 private constant BLOCK = 113_389_063;

    AnchorStateRegistryDouble private anchors;
    OpSettlement private settlement;
    IOpSettlement.Proof private words;
    bytes32 private realRoot;

    function setUp() external {
        vm.warp(1_800_000_000);
        anchors = new AnchorStateRegistryDouble();
        settlement = new OpSettlement(ROLLUP, anchors);
        // An output that OP Mainnet proposed, with what its root is the hash of.
        string memory json = vm.readFile("../test/vectors/rollups/op/output-roots.json");
        string memory path = "$.outputs[0].outputRootProof.";
        words.version = vm.parseJsonBytes32(json, string.concat(path, "version"));
        words.stateRoot = vm.parseJsonBytes32(json, string.concat(path, "stateRoot"));
        words.messagePasserStorageRoot =
            vm.parseJsonBytes32(json, string.concat(path, "messagePasserStorageRoot"));
        words.blockHash = vm.parseJsonBytes32(json, string.concat(path, "latestBlockhash"));
        realRoot = vm.parseJsonBytes32(json, "$.outputs[0].outputRoot");
    }

    function test_answersTheBlockAndTheRootOfAValidGame() external {
        (bytes32 blockHash, bytes32 outputRoot) = settlement.settled(_proof(_validGame()));
        assertEq(blockHash, words.blockHash);
        assertEq(outputRoot, realRoot);
        assertEq(settlement.rollupId(), ROLLUP);
        assertEq(address(settlement.anchorStateRegistry()), address(anchors));
    }

    function test_refusesAGameUntilItsFinalityDelayIsOver() external {
        DisputeGameDouble game = anchors.create(CANNON, realRoot, BLOCK, ROLLUP);
        _refuseGame(game);
        vm.warp(vm.getBlockTimestamp() + 10 days);
        _refuseGame(game);
        game.resolve(GameStatus.DefenderWins);
        _refuseGame(game);
        vm.warp(vm.getBlockTimestamp() + anchors.FINALITY_DELAY());
        _refuseGame(game);
        vm.warp(vm.getBlockTimestamp() + 1);
        settlement.settled(_proof(game));
    }

    function test_refusesAGameThatTheChallengerWon() external {
        DisputeGameDouble game = anchors.create(CANNON, realRoot, BLOCK, ROLLUP);
        game.resolve(GameStatus.ChallengerWins);
        vm.warp(vm.getBlockTimestamp() + 30 days);
        _refuseGame(game);
    }

    function test_refusesAGameOfATypeThatWasNotRespectedWhenItWasCreated() external {
        DisputeGameDouble game = anchors.create(254, realRoot, BLOCK, ROLLUP);
        anchors.setRespectedGameType(254);
        game.resolve(GameStatus.DefenderWins);
        vm.warp(vm.getBlockTimestamp() + 30 days);
        _refuseGame(game);
    }

    function test_aGameStaysValidWhenAnotherTypeIsRespectedLater() external {
        DisputeGameDouble game = _validGame();
        anchors.setRespectedGameType(8);
        settlement.settled(_proof(game));
    }

    function test_refusesABlacklistedGame() external {
        DisputeGameDouble game = _validGame();
        anchors.blacklist(game);
        _refuseGame(game);
    }

    function test_refusesARetiredGame() external {
        DisputeGameDouble game = _validGame();
        anchors.retireAll();
        _refuseGame(game);
    }

    function test_refusesEveryGameWhilePaused() external {
        DisputeGameDouble game = _validGame();
        anchors.setPaused(true);
        _refuseGame(game);
        anchors.setPaused(false);
        settlement.settled(_proof(game));
    }

    function test_refusesWhatIsNoGameOfTheFactory() external {
        DisputeGameDouble game = _validGame();
        _refuseGame(DisputeGameDouble(address(new ForgedGame(game))));
        DisputeGameDouble twin = new DisputeGameDouble(CANNON, realRoot, BLOCK, ROLLUP, true);
        twin.resolve(GameStatus.DefenderWins);
        vm.warp(vm.getBlockTimestamp() + 30 days);
        _refuseGame(twin);
        vm.expectRevert();
        settlement.settled(_proof(DisputeGameDouble(address(0xdead))));
    }

    function test_refusesTheGameOfAnotherRollup() external {
        DisputeGameDouble game = _validGame(CANNON, realRoot, 8453);
        vm.expectRevert(_error(IOpSettlement.GameOfAnotherRollup.selector, game));
        settlement.settled(_proof(game));
    }

    function test_refusesASuperRoot() external {
        anchors.setRespectedGameType(SUPER_CANNON);
        // Version 1, a timestamp, and for each chain its id and its output root.
        bytes memory superRoot =
            abi.encodePacked(bytes1(0x01), uint64(1_800_000_000), uint256(ROLLUP), realRoot);
        DisputeGameDouble game =
            anchors.createSuper(SUPER_CANNON, keccak256(superRoot), 1_800_000_000);
        game.resolve(GameStatus.DefenderWins);
        vm.warp(vm.getBlockTimestamp() + 30 days);
        vm.expectRevert(_error(IOpSettlement.GameOfAnotherRollup.selector, game));
        settlement.settled(_proof(game));

        // Also where such a game names a chain: its root is never the hash of an output root's words.
        game = _validGame(SUPER_CANNON, keccak256(superRoot), ROLLUP);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOpSettlement.NotTheRootClaim.selector, realRoot, keccak256(superRoot)
            )
        );
        settlement.settled(_proof(game));
    }

    function test_refusesOtherWordsThanThoseOfTheRoot(uint8 word, uint256 flip) external {
        DisputeGameDouble game = _validGame();
        vm.assume(flip != 0);
        IOpSettlement.Proof memory proof = words;
        proof.game = game;
        word %= 3;
        if (word == 0) proof.stateRoot ^= bytes32(flip);
        if (word == 1) proof.messagePasserStorageRoot ^= bytes32(flip);
        if (word == 2) proof.blockHash ^= bytes32(flip);
        vm.assume(proof.blockHash != 0);
        bytes32 other = keccak256(
            bytes.concat(bytes32(0), proof.stateRoot, proof.messagePasserStorageRoot, proof.blockHash)
        );
        vm.expectRevert(
            abi.encodeWithSelector(IOpSettlement.NotTheRootClaim.selector, other, realRoot)
        );
        settlement.settled(abi.encode(proof));
    }

    function test_refusesAnotherVersionAlsoWhereItIsTheRootClaim() external {
        words.version = bytes32(uint256(1));
        DisputeGameDouble game = _validGame(CANNON, _rootOfWords(), ROLLUP);
        vm.expectRevert(
            abi.encodeWithSelector(IOpSettlement.UnknownVersion.selector, bytes32(uint256(1)))
        );
        settlement.settled(_proof(game));
    }

    function test_refusesARootThatNamesNoBlock() external {
        words.blockHash = 0;
        DisputeGameDouble game = _validGame(CANNON, _rootOfWords(), ROLLUP);
        vm.expectRevert(abi.encodeWithSelector(IOpSettlement.NoBlock.selector));
        settlement.settled(_proof(game));
    }

    function test_refusesProofsOfAnotherLength() external {
        bytes memory proof = _proof(_validGame());
        bytes memory refusal = abi.encodeWithSelector(IOpSettlement.InvalidProof.selector);
        vm.expectRevert(refusal);
        settlement.settled("");
        vm.expectRevert(refusal);
        settlement.settled(bytes.concat(proof, hex"00"));
        vm.expectRevert(refusal);
        settlement.settled(abi.encodePacked(words.stateRoot, words.blockHash));
        // Twelve bytes beside the address that are not zero.
        proof[0] = 0x01;
        vm.expectRevert();
        settlement.settled(proof);
    }

    function test_refusesAConfigurationThatCannotWork() external {
        vm.expectRevert(abi.encodeWithSelector(IOpSettlement.InvalidConfiguration.selector));
        new OpSettlement(0, anchors);
        vm.expectRevert(abi.encodeWithSelector(IOpSettlement.InvalidConfiguration.selector));
        new OpSettlement(ROLLUP, IAnchorStateRegistry(address(0xdead)));
    }

    function _validGame() private returns (DisputeGameDouble) {
        return _validGame(CANNON, realRoot, ROLLUP);
    }

    function _validGame(uint32 gameType, bytes32 rootClaim, uint256 chainId)
        private
        returns (DisputeGameDouble game)
    {
        anchors.setRespectedGameType(gameType);
        game = anchors.create(gameType, rootClaim, BLOCK, chainId);
        vm.warp(vm.getBlockTimestamp() + 4 days);
        game.resolve(GameStatus.DefenderWins);
        vm.warp(vm.getBlockTimestamp() + 4 days);
    }

    function _refuseGame(DisputeGameDouble game) private {
        vm.expectRevert(_error(IOpSettlement.GameNotValid.selector, game));
        settlement.settled(_proof(game));
    }

    function _error(bytes4 selector, DisputeGameDouble game) private pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, address(game));
    }

    function _proof(DisputeGameDouble game) private view returns (bytes memory) {
        IOpSettlement.Proof memory proof = words;
        proof.game = IDisputeGame(address(game));
        return abi.encode(proof);
    }

    /// @dev The root as the OP Stack writes it, without the contract under test
    function _rootOfWords() private view returns (bytes32) {
        return keccak256(
            bytes.concat(
                words.version, words.stateRoot, words.messagePasserStorageRoot, words.blockHash
            )
        );
    }
}
