// SPDX-License-Identifier: MIT
// How the site's search orders its results: guides and reference come before evidence, and the
// glossary and the decisions of maintainers come last. Sphinx writes this object into
// searchtools.js (html_search_scorer); the names of its members are Sphinx's.
/* eslint-disable-next-line no-unused-vars */
var Scorer = {
  // Points for the kind of page, added to those for the words. The first match counts.
  pages: [
    [/^(learn|guide|tutorial)\/(?!index)/, 40],
    [/^(quickstart|playground)$/, 40],
    [/^reference\/functions\/(?!index)/, 35],
    [/^reference\/(?!index|functions)/, 35],
    [/^(glossary|.*index)$/, -200], // a whole title that is searched for has 100 points
    [/./, -100],
  ],

  // A result is [page, title, anchor, description, points, file, ...].
  score([page, , , , points]) {
    const kind = Scorer.pages.find(([pattern]) => pattern.test(page));
    return points + kind[1];
  },

  objNameMatch: 60, // the whole name of a function, struct or enumerator
  objPartialMatch: 3,
  objPrio: { 0: 5, 1: 2, 2: -5 },
  objPrioDefault: 0,
  title: 30,
  partialTitle: 12,
  term: 5,
  partialTerm: 2,
};
