/** No text from outside may steer a terminal or hide in a page. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shorten, visible, visibleLines } from './escape.ts';

describe('visible', () => {
  test.each([
    ['plain text, äöü, 日本語, שלום, 🙂', 'plain text, äöü, 日本語, שלום, 🙂'],
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['nul\u0000', 'nul\\x00'],
    ['\u009b31m', '\\x9b31m'],
    ['safe\u202eexe.txt', 'safe\\u202eexe.txt'],
    ['\u2066isolated\u2069', '\\u2066isolated\\u2069'],
    ['zero\u200bwidth\ufeff', 'zero\\u200bwidth\\ufeff'],
    ['half \ud800 pair', 'half \\ud800 pair'],
    ['other half \udc00', 'other half \\udc00'],
    ['non-character \uffff', 'non-character \\uffff'],
  ])('%j', (text, expected) => {
    expect(visible(text)).toBe(expected);
  });

  test('for any text: nothing is left to be escaped, and XML allows every character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const once = visible(text);
        expect(visible(once)).toBe(once);
        // https://www.w3.org/TR/xml/#charsets
        expect(once).toMatch(/^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u);
      }),
    );
  });

  test('visibleLines keeps line ends and nothing else', () => {
    expect(visibleLines('a\n\u001bb\r')).toBe('a\n\\x1bb\\r');
  });
});

describe('shorten', () => {
  test('keeps what fits and marks what was cut', () => {
    expect(shorten('12345', 5)).toBe('12345');
    expect(shorten('123456', 5)).toBe('1234…');
  });
  test('cuts no surrogate pair in half', () => {
    expect(shorten('123🙂567', 5)).toBe('123…');
  });
});
