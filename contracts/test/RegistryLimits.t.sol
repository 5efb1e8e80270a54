// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalToken} from "../script/LocalToken.sol";
import {Registry} from "../src/Registry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {TestBase} from "./TestBase.sol";

/// @dev A full registry on a real vault, filled in the order that costs most
contract RegistryLimitsTest is TestBase {
    uint64 private constant GENESIS = 2_000_000;
    /// @dev EIP-7825
    uint256 private constant TRANSACTION_GAS_LIMIT = 16_777_216;

    LocalToken private token;
    StakeVault private vault;
    Registry private registry;

    function setUp() external {
        vm.chainId(31337);
        vm.warp(GENESIS - 100_000);
        token = new LocalToken();
        vault = new StakeVault(token, 1 ether, 600, address(this));
        registry = new Registry(address(this), vault, GENESIS, 60);
        token.mint(address(this), 1_000_000 ether);
        token.approve(address(vault), type(uint256).max);
        for (uint256 i = 1; i <= 256; i++) {
            register(i);
        }
        // Eight changes of weight each, so that a look-up has some history to search.
        for (uint256 round = 1; round < 8; round++) {
            vm.warp(GENESIS - 100_000 + 100 * round);
            for (uint256 i = 1; i <= 256; i++) {
                vault.deposit(operatorOf(i), 1 ether);
            }
        }
        vm.warp(GENESIS);
    }

    function test_theLargestSetIsFixedInOneTransaction() external {
        uint256 before = gasleft();
        registry.fixEpoch(0);
        uint256 used = before - gasleft();
        assertTrue(used < TRANSACTION_GAS_LIMIT * 2 / 3);
    }

    function test_theLargestSetIsFixedInPartsThatAreFourTimesSmaller() external {
        uint256 state = vm.snapshotState();
        bytes32 expected = registry.fixEpoch(0);
        vm.revertToState(state);
        for (uint256 i = 0; i < 4; i++) {
            assertEq(registry.operatorSetHash(0), 0);
            registry.fixEpochInParts(0, 64);
            assertTrue(vm.lastCallGas().gasTotalUsed < TRANSACTION_GAS_LIMIT / 4);
        }
        assertEq(registry.operatorSetHash(0), expected);
    }

    function test_theNextOperatorIsRefused() external {
        vault.deposit(operatorOf(257), 1 ether);
        vm.prank(operatorOf(257));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.TooManyOperators.selector));
        registry.registerOperator("", "");
    }

    function register(uint256 secret) private {
        address operator = operatorOf(secret);
        vault.deposit(operator, 1 ether);
        bytes memory key = publicKeyOf(secret);
        bytes32 digest = keyRegistrationDigest(31337, address(registry), operator, key, 0);
        bytes memory proof = sign(secret, BLS.PROOF_OF_POSSESSION_TAG, digest);
        vm.prank(operator);
        registry.registerOperator(key, proof);
    }

    function operatorOf(uint256 secret) private pure returns (address) {
        return address(uint160(0x1000000 + secret));
    }
}

/// @dev What the committed gas snapshot holds: each test is one call
contract RegistryGasTest is TestBase {
    uint64 private constant GENESIS = 2_000_000;

    StakeVault private vault;
    Registry private registry;
    bytes private key;
    bytes private proof;

    function setUp() external {
        vm.chainId(31337);
        vm.warp(GENESIS - 100_000);
        LocalToken token = new LocalToken();
        vault = new StakeVault(token, 1 ether, 600, address(this));
        registry = new Registry(address(this), vault, GENESIS, 60);
        token.mint(address(this), 100 ether);
        token.approve(address(vault), type(uint256).max);
        for (uint160 secret = 1; secret <= 5; secret++) {
            vault.deposit(address(secret << 32), 20 ether);
            key = publicKeyOf(secret);
            bytes32 digest = keyRegistrationDigest(31337, address(registry), address(secret << 32), key, 0);
            proof = sign(secret, BLS.PROOF_OF_POSSESSION_TAG, digest);
            if (secret == 5) break;
            vm.prank(address(secret << 32));
            registry.registerOperator(key, proof);
        }
    }

    function test_registerTheFifthOperator() external {
        vm.prank(address(uint160(5) << 32));
        registry.registerOperator(key, proof);
    }

    function test_fixAnEpochOfFourOperators() external {
        vm.warp(GENESIS);
        registry.fixEpoch(0);
    }
}
