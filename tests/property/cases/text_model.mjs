// Two texts in one, by sentence: written from proto/records/README.md, "Text".
const SENTENCES_MAX = 256;

// [{words, space}]: "words, and the white space behind them".
function sentences(text) {
  const out = [];
  let begin = 0;
  for (const { index, 0: space } of text.matchAll(/[ \t\n]+/g)) {
    if (!space.includes("\n") && !".!?".includes(text[index - 1] ?? " ")) continue;
    out.push({ words: text.slice(begin, index), space });
    begin = index + space.length;
  }
  if (begin < text.length) out.push({ words: text.slice(begin), space: "" });
  return out;
}

// The hunks of one side, and for each kept sentence of the base the side's.
function compare(base, side) {
  const length = Array.from({ length: base.length + 1 }, () => new Array(side.length + 1).fill(0));
  for (let i = base.length - 1; i >= 0; i--)
    for (let j = side.length - 1; j >= 0; j--)
      length[i][j] = base[i].words === side[j].words ? 1 + length[i + 1][j + 1] :
        Math.max(length[i + 1][j], length[i][j + 1]);
  const hunks = [], kept = new Map();
  let [i, j, from, begin] = [0, 0, 0, 0];
  const close = () => {
    if (from < i || begin < j) hunks.push({ from, to: i, sentences: side.slice(begin, j) });
  };
  while (i < base.length || j < side.length) {
    if (i < base.length && j < side.length && base[i].words === side[j].words) {
      close();
      kept.set(i, side[j]);
      [from, begin] = [++i, ++j];
    } else if (i < base.length && (j === side.length || length[i + 1][j] >= length[i][j + 1])) {
      i++;
    } else {
      j++;
    }
  }
  close();
  return { hunks, kept };
}

const sameWords = (a, b) => a.length === b.length && a.every(({ words }, i) => words === b[i].words);

// merge: the text, or undefined when it is impossible.
export function merge(baseText, leftText, rightText) {
  const [base, left, right] = [baseText, leftText, rightText].map(sentences);
  if ([base, left, right].some((list) => list.length > SENTENCES_MAX)) return undefined;
  const [l, r] = [compare(base, left), compare(base, right)];
  const equal = (a, b) => a.from === b.from && a.to === b.to && sameWords(a.sentences, b.sentences);
  const atEnd = (hunk) => hunk.from === base.length;
  for (const a of l.hunks)
    for (const b of r.hunks)
      if (a.from <= b.to && b.from <= a.to && !equal(a, b) && !(atEnd(a) && atEnd(b)))
        return undefined;
  const hunks = [...l.hunks, ...r.hunks.filter((b) => !l.hunks.some((a) => equal(a, b)))];
  const out = [];
  for (let i = 0; i <= base.length; ) {
    const here = hunks.filter((hunk) => hunk.from === i);
    for (const hunk of here) out.push(...hunk.sentences);
    const to = Math.max(i, ...here.map((hunk) => hunk.to));
    if (to === i && i < base.length) {
      const ours = l.kept.get(i).space, theirs = r.kept.get(i).space;
      out.push({ words: base[i].words, space: ours !== base[i].space ? ours : theirs });
    }
    i = to === i ? i + 1 : to;
  }
  return out.map(({ words, space }, i) =>
    words + (space === "" && i + 1 < out.length ? " " : space)).join("");
}
