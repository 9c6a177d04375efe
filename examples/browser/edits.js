// The edits that turn one text into another: what is wrong in a reading.

/**
 * The runs of characters that are the `same` in both texts, `missing` from what was read, or
 * `extra` in it, by a shortest edit script of insertions, deletions and replacements. A
 * replacement is an extra character and a missing one.
 */
export function edits(truth, read) {
  const [a, b] = [[...truth], [...read]];
  const costs = table(a, b);
  const runs = [];
  const add = (kind, text) => {
    if (runs[0]?.kind === kind) runs[0].text = text + runs[0].text;
    else runs.unshift({ kind, text });
  };
  let [i, j] = [a.length, b.length];
  while (i > 0 || j > 0) {
    const cost = costs[i][j];
    if (i > 0 && j > 0 && a[i - 1] === b[j - 1] && cost === costs[i - 1][j - 1]) {
      add("same", a[i - 1]);
      [i, j] = [i - 1, j - 1];
    } else if (i > 0 && j > 0 && cost === costs[i - 1][j - 1] + 1) {
      add("missing", a[i - 1]);
      add("extra", b[j - 1]);
      [i, j] = [i - 1, j - 1];
    } else if (i > 0 && cost === costs[i - 1][j] + 1) {
      add("missing", a[i - 1]);
      i -= 1;
    } else {
      add("extra", b[j - 1]);
      j -= 1;
    }
  }
  return runs;
}

/** How many insertions, deletions and replacements it takes (Levenshtein's distance). */
export function wrong(truth, read) {
  const [a, b] = [[...truth], [...read]];
  let [above, costs] = [new Uint16Array(b.length + 1).map((_, j) => j), new Uint16Array(b.length + 1)];
  for (let i = 1; i <= a.length; i += 1) {
    costs[0] = i;
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      costs[j] = Math.min(replaced, above[j] + 1, costs[j - 1] + 1);
    }
    [above, costs] = [costs, above];
  }
  return above[b.length];
}

/** The distances between all beginnings of two texts. */
function table(a, b) {
  const costs = [[...Array(b.length + 1).keys()]];
  for (let i = 1; i <= a.length; i += 1) {
    costs.push([i]);
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = costs[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      costs[i].push(Math.min(replaced, costs[i - 1][j] + 1, costs[i][j - 1] + 1));
    }
  }
  return costs;
}
