// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {LocalToken} from "../script/LocalToken.sol";
import {Registry} from "../src/Registry.sol";
import {Slasher} from "../src/Slasher.sol";
import {WeightedSources} from "../src/WeightedSources.sol";
import {IEvidenceVerifier} from "../src/interfaces/IEvidenceVerifier.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {ISlashableSource} from "../src/interfaces/ISlashableSource.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";
import {TestWeights} from "./RegistryTestBase.sol";

/// @dev A source whose stake a test sets; it sends what it takes, or says so
contract TestStake is TestWeights, ISlashableSource {
    LocalToken public immutable token;
    address public slasher;
    mapping(address operator => uint256) public stakeOf;
    bytes32 public lastDescription;
    bool public isMute;

    constructor(LocalToken token_) {
        token = token_;
    }

    function setSlasher(address slasher_) external {
        slasher = slasher_;
    }

    function setStake(address operator, uint256 assets) external {
        stakeOf[operator] = assets;
        token.mint(address(this), assets);
    }

    /// @dev As EigenLayer's: what it takes does not pass through the slasher
    function mute() external {
        isMute = true;
    }

    function slash(address operator, uint256 wad, string calldata description)
        external
        virtual
        returns (IERC20, uint256 assets)
    {
        if (msg.sender != slasher) revert NotTheSlasher(msg.sender);
        lastDescription = keccak256(bytes(description));
        if (isMute) return (IERC20(address(0)), 0);
        assets = stakeOf[operator] * wad / 1e18;
        stakeOf[operator] -= assets;
        token.transfer(msg.sender, assets);
        return (token, assets);
    }
}

/// @dev An adapter to which a test tells what is settled
contract SettlementDouble is ISettlement {
    error NotSettled();

    uint64 public immutable rollupId;
    mapping(bytes32 proofHash => bytes32[2]) private _settled;

    constructor(uint64 rollupId_) {
        rollupId = rollupId_;
    }

    function settle(bytes calldata proof, bytes32 blockHash, bytes32 outputRoot) external {
        _settled[keccak256(proof)] = [blockHash, outputRoot];
    }

    function settled(bytes calldata proof) external view returns (bytes32, bytes32) {
        bytes32[2] memory found = _settled[keccak256(proof)];
        if (found[0] == 0) revert NotSettled();
        return (found[0], found[1]);
    }
}

/// @dev A real registry with four operators in the sets of epochs 1 to 5, and its slasher
abstract contract SlasherTestBase is CertificateTestBase {
    uint64 internal constant START = 1_000_000;
    uint64 internal constant GENESIS = START + 1_000;
    uint64 internal constant EPOCH = 60;
    uint64 internal constant ROLLUP = 901;
    uint64 internal constant NO_SETTLEMENT = 902;
    uint256 internal constant COUNT = 4;
    uint256 internal constant STAKE = 1_000 ether;
    address internal constant DESTINATION = address(0xDE57);
    address internal constant REPORTER = address(0x4E90);
    address internal constant STRANGER = address(0xBAD);

    Certificates.Domain internal domain;
    TimelockController internal timelock;
    WeightedSources internal sources;
    TestStake internal stake;
    LocalToken internal token;
    Registry internal registry;
    SettlementDouble internal settlement;
    Slasher internal slasher;

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(START);
        address[] memory anyone = new address[](1);
        anyone[0] = address(this);
        timelock = new TimelockController(601, anyone, anyone, address(0));
        token = new LocalToken();
        stake = new TestStake(token);
        sources = new WeightedSources(address(this));
        sources.setSource(stake, 10_000, type(uint128).max);
        registry = new Registry(address(this), sources, GENESIS, EPOCH);
        domain = Certificates.Domain(31337, address(registry));
        settlement = new SettlementDouble(ROLLUP);
        registry.addRollup(ROLLUP, "op", 1, 6667, 2, address(settlement));
        registry.addRollup(NO_SETTLEMENT, "evm", 1, 6667, 2, address(0));
        slasher = new Slasher(address(timelock), registry, windows(), parametersWith(0.5 ether));
        stake.setSlasher(address(slasher));
        for (uint256 i = 0; i < COUNT; i++) {
            stake.set(operatorAt(i), 1);
            stake.setStake(operatorAt(i), STAKE);
        }
        vm.warp(START + 1);
        for (uint256 i = 0; i < COUNT; i++) {
            _register(operatorAt(i), FIRST_SECRET + i);
        }
        vm.warp(startOf(4) + 10);
        for (uint64 epoch = 1; epoch <= 4; epoch++) {
            assertEq(registry.fixEpoch(epoch), setAt(epoch).operatorSetHash);
        }
    }

    function windows() internal pure returns (ISlasher.Windows memory) {
        return ISlasher.Windows({acceptance: 60, challenge: 30, evidence: 300, minimumDelay: 601});
    }

    function parametersWith(uint64 wad) internal pure returns (ISlasher.Parameters memory) {
        return ISlasher.Parameters([wad, wad, wad, wad, wad], DESTINATION, 1000);
    }

    function setAt(uint64 epoch) internal view returns (TestSet memory) {
        return setOf(epoch, COUNT, 1);
    }

    function claimOf(uint64 epoch, uint64 blockNumber, bytes32 blockHash)
        internal
        pure
        returns (Certificates.Claim memory claim)
    {
        claim = claimAt(epoch);
        (claim.rollupId, claim.blockNumber, claim.blockHash) = (ROLLUP, blockNumber, blockHash);
        claim.timestamp = startOf(epoch) + 5;
    }

    function attestationBy(uint256 index, Certificates.Claim memory claim)
        internal
        view
        returns (IEvidenceVerifier.Attestation memory)
    {
        return IEvidenceVerifier.Attestation({
            claim: claim,
            operatorSet: setAt(claim.epoch).preimage,
            membership: membershipOf(claim.epoch, index),
            signature: signatureBy(FIRST_SECRET + index, digestOf(domain, claim))
        });
    }

    /// @dev Signed by all, or by all but one
    function certificateOf(Certificates.Claim memory claim)
        internal
        view
        returns (IEvidenceVerifier.Certificate memory)
    {
        return certificateWithout(claim, new uint256[](0));
    }

    function certificateWithout(Certificates.Claim memory claim, uint256 absent)
        internal
        view
        returns (IEvidenceVerifier.Certificate memory)
    {
        uint256[] memory list = new uint256[](1);
        list[0] = absent;
        return certificateWithout(claim, list);
    }

    function certificateWithout(Certificates.Claim memory claim, uint256[] memory absent)
        internal
        view
        returns (IEvidenceVerifier.Certificate memory)
    {
        return IEvidenceVerifier.Certificate(
            claim, signersWithout(setAt(claim.epoch), absent, digestOf(domain, claim))
        );
    }

    function membershipOf(uint64 epoch, uint256 index)
        internal
        view
        returns (IEvidenceVerifier.Membership memory)
    {
        TestSet memory set = setAt(epoch);
        return IEvidenceVerifier.Membership(set.members[index], pathOf(set.leaves, index));
    }

    function membershipsOf(uint64 epoch, uint256 index)
        internal
        view
        returns (IEvidenceVerifier.Membership[] memory list)
    {
        list = new IEvidenceVerifier.Membership[](1);
        list[0] = membershipOf(epoch, index);
    }

    function accusedOf(uint64 lowerEpoch, uint64 higherEpoch, uint256 index)
        internal
        view
        returns (ISlasher.Accused[] memory list)
    {
        list = new ISlasher.Accused[](1);
        list[0] = ISlasher.Accused(membershipOf(lowerEpoch, index), membershipOf(higherEpoch, index));
    }

    function nobody() internal pure returns (ISlasher.Accused[] memory) {
        return new ISlasher.Accused[](0);
    }

    function isConvicted(uint256 index, uint64 blockNumber) internal view returns (bool) {
        bytes32 id = slasher.convictionIdAt(operatorAt(index), ROLLUP, blockNumber);
        return slasher.conviction(id).time != 0;
    }

    function operatorAt(uint256 index) internal pure returns (address) {
        return address(uint160(index + 1));
    }

    function startOf(uint64 epoch) internal pure returns (uint64) {
        return GENESIS + epoch * EPOCH;
    }

    /// @dev The last second in which evidence of an epoch convicts
    function deadlineOf(uint64 epoch) internal pure returns (uint256) {
        return startOf(epoch + 1) + 300;
    }

    function refusal(bytes4 selector) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector);
    }

    function refusal(bytes4 selector, uint256 argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    function refusal(bytes4 selector, bytes32 argument) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(selector, argument);
    }

    /// @dev A header with the fields that are read and bytes in place of the others
    function headerOf(bytes32 parent, uint256 number) internal pure returns (bytes memory) {
        bytes memory fields = bytes.concat(
            abi.encodePacked(hex"a0", parent, hex"a0", bytes32(0), hex"94", address(0)),
            abi.encodePacked(hex"a0", bytes32(0), hex"a0", bytes32(0), hex"a0", bytes32(0)),
            abi.encodePacked(hex"b90100", new bytes(256), hex"80"),
            _encodeNumber(number),
            hex"80"
        );
        return abi.encodePacked(hex"f9", uint16(fields.length), fields);
    }

    /// @dev The headers of so many blocks on top of a parent, newest first, and the newest block's hash
    function chainOn(bytes32 parent, uint64 parentNumber, uint64 length)
        internal
        pure
        returns (bytes[] memory headers, bytes32 tip)
    {
        headers = new bytes[](length);
        tip = parent;
        for (uint64 i = 1; i <= length; i++) {
            headers[length - i] = headerOf(tip, parentNumber + i);
            tip = keccak256(headers[length - i]);
        }
    }

    function slice(bytes[] memory list, uint256 start, uint256 end)
        internal
        pure
        returns (bytes[] memory part)
    {
        part = new bytes[](end - start);
        for (uint256 i = 0; i < part.length; i++) {
            part[i] = list[start + i];
        }
    }

    function _encodeNumber(uint256 number) private pure returns (bytes memory) {
        if (number == 0) return hex"80";
        if (number < 0x80) return abi.encodePacked(uint8(number));
        uint256 length = 0;
        while (number >> (8 * length) != 0) length++;
        bytes memory digits = abi.encodePacked(number << (8 * (32 - length)));
        assembly ("memory-safe") {
            mstore(digits, length)
        }
        return abi.encodePacked(uint8(0x80 + length), digits);
    }

    function _register(address operator, uint256 secret) private {
        bytes memory key = publicKeyOf(secret);
        bytes32 digest = keyRegistrationDigest(31337, address(registry), operator, key, 0);
        bytes memory proof = sign(secret, BLS.PROOF_OF_POSSESSION_TAG, digest);
        vm.prank(operator);
        registry.registerOperator(key, proof);
    }
}
