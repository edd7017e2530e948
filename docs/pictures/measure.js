// SPDX-License-Identifier: MIT
// How wide a text is, at most: the widths are those of DejaVu Sans, which is wider than the fonts
// that most systems have. So what does not overlap here, overlaps nowhere.

export const SIZE = 13;
export const LINE = 15;

const WIDTHS = [ // thousandths of the size
  [278, 'ijl'], [318, ' \u00a0.,'], [337, ':;'], [361, '-'], [392, 'tf'], [411, 'r'], [295, 'I'],
  [390, '()'], [531, '?'], [521, 's'], [550, 'c'], [525, 'z'], [579, 'k'], [592, 'vxy'],
  [615, 'aeo'], [634, 'nuh'], [636, 'bdpqg0123456789'], [838, '=+✓'], [818, 'w'], [974, 'm'],
  [500, '–'], [460, '"'], [611, 'T'], [684, 'A'], [695, 'R'], [635, 'S'], [748, 'N'],
];
const WIDTH = new Map(WIDTHS.flatMap(([width, letters]) => [...letters]
  .map((letter) => [letter, width])));
const OTHER = 780;

export function widthOf(text) {
  return [...text].reduce((sum, letter) => sum + (WIDTH.get(letter) ?? OTHER), 0) * SIZE / 1000;
}

/** Lines of at most `width`, broken at spaces. */
export function wrap(text, width) {
  const lines = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && widthOf(longer) <= width) {
      lines[lines.length - 1] = longer;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
