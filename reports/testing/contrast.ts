/**
 * Runs inside a browser's page: every piece of text that can be seen enters, those leave whose contrast with what is behind
 * them is below what WCAG 2.1 (1.4.3) asks for.
 */

/** Self-contained, since it is sent to the page as text. */
export function lowContrast(): string[] {
  type Color = [number, number, number, number];
  const parse = (text: string): Color => {
    const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return [r, g, b, a];
  };
  const over = ([r, g, b, a]: Color, below: Color): Color => [
    r * a + below[0] * (1 - a),
    g * a + below[1] * (1 - a),
    b * a + below[2] * (1 - a),
    1,
  ];
  const luminance = ([r, g, b]: Color): number => {
    const linear = (value: number): number => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const backgroundOf = (element: Element): Color => {
    const layers: Color[] = [];
    for (let one: Element | null = element; one !== null; one = one.parentElement)
      layers.push(parse(getComputedStyle(one).backgroundColor));
    return layers.reduceRight<Color>((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  const found: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent?.trim() ?? '';
    // What is drawn stands on patterns and has an outline of its own.
    if (element === null || text === '' || element.closest('svg') !== null) continue;
    if (!element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const background = backgroundOf(element);
    const [a, b] = [luminance(over(parse(style.color), background)), luminance(background)].sort(
      (one, other) => other - one,
    ) as [number, number];
    const ratio = (a + 0.05) / (b + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) found.push(`${ratio.toFixed(2)}: ${text.slice(0, 60)}`);
  }
  return [...new Set(found)];
}
