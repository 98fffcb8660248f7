/** No key or value that somebody mistyped is longer. */
const longestWord = 64;

/** The known word that `text` most likely stands for: letter case aside, at most a third of its letters differ. */
export function findNearest(text: string, known: readonly string[]): string | undefined {
  if (text.length > longestWord) return undefined;
  const wanted = text.toLowerCase();
  let best: { word: string; distance: number } | undefined;
  for (const word of known) {
    const distance = editDistance(wanted, word.toLowerCase());
    if (!best || distance < best.distance) best = { word, distance };
  }
  return best && best.distance <= Math.max(1, Math.floor(Math.max(text.length, best.word.length) / 3))
    ? best.word
    : undefined;
}

/** A hint for a word that is not among `known`: the nearest one, else all of them. */
export function knownHint(text: string, known: readonly string[]): string {
  const nearest = findNearest(text, known);
  return nearest === undefined ? `known here: ${[...known].sort().join(', ')}` : `did you mean "${nearest}"?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (above[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    before = above;
    above = current;
  }
  return above[b.length] ?? 0;
}
