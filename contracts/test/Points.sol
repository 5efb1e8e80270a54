// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev Decompresses points of BLS12-381, so that tests read the same vectors as TypeScript does.
/// Nothing here is under test or used by what is.
library Points {
    error NotASquare();
    error NotCompressed();

    /// @dev An element of the field, below the modulus
    struct Element {
        uint256 high;
        uint256 low;
    }

    uint256 private constant P_HIGH = 0x1a0111ea397fe69a4b1ba7b6434bacd7;
    uint256 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    bytes private constant P =
        hex"000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
    bytes private constant QUARTER_OF_P_PLUS_1 =
        hex"000000000000000000000000000000000680447a8e5ff9a692c6e9ed90d2eb35d91dd2e13ce144afd9cc34a83dac3d8907aaffffac54ffffee7fbfffffffeaab";
    bytes private constant P_MINUS_2 =
        hex"000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaa9";

    /// @dev 48 bytes to the 128 of EIP-2537: y is a square root of x^3 + 4
    function decompressG1(bytes memory compressed) internal view returns (bytes memory) {
        if (compressed.length != 48) revert NotCompressed();
        Element memory x = _coordinate(compressed, 0);
        Element memory y = _root(_add(_power(x, hex"03"), Element(0, 4)));
        if (_isGreater(y, _negate(y)) != _wantsGreater(compressed)) y = _negate(y);
        return abi.encode(x, y);
    }

    /// @dev 96 bytes, the imaginary part first, to the 256 of EIP-2537: y is a square root of
    /// x^3 + 4 (1 + i)
    function decompressG2(bytes memory compressed) internal view returns (bytes memory) {
        if (compressed.length != 96) revert NotCompressed();
        Element memory x1 = _coordinate(compressed, 0);
        Element memory x0 = _coordinate(compressed, 48);
        (Element memory y0, Element memory y1) = _cubePlus4(x0, x1);
        (y0, y1) = _root(y0, y1);
        bool isGreater =
            y1.high | y1.low == 0 ? _isGreater(y0, _negate(y0)) : _isGreater(y1, _negate(y1));
        if (isGreater != _wantsGreater(compressed)) (y0, y1) = (_negate(y0), _negate(y1));
        return abi.encode(x0, x1, y0, y1);
    }

    function _cubePlus4(Element memory x0, Element memory x1)
        private
        view
        returns (Element memory, Element memory)
    {
        Element memory square0 = _add(_square(x0), _negate(_square(x1)));
        Element memory square1 = _multiply(_add(x0, x0), x1);
        Element memory cube0 = _add(_multiply(square0, x0), _negate(_multiply(square1, x1)));
        Element memory cube1 = _add(_multiply(square0, x1), _multiply(square1, x0));
        return (_add(cube0, Element(0, 4)), _add(cube1, Element(0, 4)));
    }

    /// @dev The complex method: with n the root of the norm, x^2 = (a + n) / 2 or (a - n) / 2 and
    /// y = b / 2x
    function _root(Element memory a, Element memory b)
        private
        view
        returns (Element memory x, Element memory y)
    {
        Element memory norm = _root(_add(_square(a), _square(b)));
        Element memory half = _power(Element(0, 2), P_MINUS_2);
        Element memory square = _multiply(_add(a, norm), half);
        if (!_isSquare(square)) square = _multiply(_add(a, _negate(norm)), half);
        x = _root(square);
        y = _multiply(b, _power(_add(x, x), P_MINUS_2));
    }

    function _isSquare(Element memory a) private view returns (bool) {
        Element memory square = _square(_power(a, QUARTER_OF_P_PLUS_1));
        return square.high == a.high && square.low == a.low;
    }

    function _root(Element memory a) private view returns (Element memory) {
        if (!_isSquare(a)) revert NotASquare();
        return _power(a, QUARTER_OF_P_PLUS_1);
    }

    /// @dev By the squares alone, which the precompile has: ab = ((a + b)^2 - a^2 - b^2) / 2
    function _multiply(Element memory a, Element memory b) private view returns (Element memory) {
        Element memory twice = _add(_square(_add(a, b)), _negate(_add(_square(a), _square(b))));
        if (twice.low & 1 == 0) return Element(twice.high >> 1, (twice.low >> 1) | (twice.high << 255));
        (uint256 high, uint256 low) = _sum(twice, Element(P_HIGH, P_LOW));
        return Element(high >> 1, (low >> 1) | (high << 255));
    }

    function _square(Element memory a) private view returns (Element memory) {
        return _power(a, hex"02");
    }

    function _power(Element memory base, bytes memory exponent) private view returns (Element memory) {
        bytes memory input =
            abi.encodePacked(uint256(64), exponent.length, uint256(64), abi.encode(base), exponent, P);
        (bool isAnswered, bytes memory output) = address(0x05).staticcall(input);
        assert(isAnswered);
        return abi.decode(output, (Element));
    }

    function _add(Element memory a, Element memory b) private pure returns (Element memory) {
        (uint256 high, uint256 low) = _sum(a, b);
        if (high < P_HIGH || (high == P_HIGH && low < P_LOW)) return Element(high, low);
        return _difference(Element(high, low), Element(P_HIGH, P_LOW));
    }

    function _negate(Element memory a) private pure returns (Element memory) {
        return a.high | a.low == 0 ? a : _difference(Element(P_HIGH, P_LOW), a);
    }

    function _sum(Element memory a, Element memory b) private pure returns (uint256 high, uint256 low) {
        unchecked {
            low = a.low + b.low;
            high = a.high + b.high + (low < a.low ? 1 : 0);
        }
    }

    function _difference(Element memory a, Element memory b) private pure returns (Element memory) {
        unchecked {
            return Element(a.high - b.high - (a.low < b.low ? 1 : 0), a.low - b.low);
        }
    }

    function _isGreater(Element memory a, Element memory b) private pure returns (bool) {
        return a.high > b.high || (a.high == b.high && a.low > b.low);
    }

    function _wantsGreater(bytes memory compressed) private pure returns (bool) {
        return compressed[0] & 0x20 != 0;
    }

    function _coordinate(bytes memory compressed, uint256 offset) private pure returns (Element memory) {
        bytes memory padded = new bytes(64);
        for (uint256 i = 0; i < 48; i++) {
            padded[16 + i] = compressed[offset + i];
        }
        if (offset == 0) padded[16] &= 0x1f;
        return abi.decode(padded, (Element));
    }
}
