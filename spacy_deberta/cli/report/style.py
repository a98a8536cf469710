"""CSS of the report. It has only a light theme, like displaCy's colours and the plots."""

STYLE = """:root { color-scheme: light; --ink: #1f2430; --dim: #697080; --line: #e3e6ec; }
body {
  margin: 0 auto; max-width: 66rem; padding: 2.5rem 1.5rem 5rem; background: #f6f7f9;
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.6rem; overflow-wrap: anywhere; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.2rem; }
h3 { margin: 0 0 .5rem; font-size: .8rem; color: var(--dim); }
h4 { margin: 0 0 .25rem; font-size: .875rem; }
h5 { margin: .5rem 0 0; font-size: .75rem; color: var(--dim); }
header dl {
  display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0 0;
}
header dt { color: var(--dim); }
header dd { margin: 0; overflow-wrap: anywhere; }
nav { margin-top: 1rem; display: flex; gap: 1.25rem; }
a { color: #2f5f9e; }
.card, article {
  margin: 0 0 1rem; padding: 1rem 1.25rem; background: #fff; border: 1px solid var(--line);
  border-radius: .6rem; overflow-x: auto;
}
.card h3 { font-size: .95rem; color: inherit; }
.columns { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 1rem 2.5rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .9rem .2rem 0; text-align: start; border-bottom: 1px solid var(--line); }
thead th { color: var(--dim); font-weight: 500; }
tbody th { font-weight: 500; overflow-wrap: anywhere; }
.scores td, .scores thead th:not(:first-child) { text-align: end; padding-inline-end: .25rem; }
.scores td { min-width: 3.5rem; }
figure { margin: 0; }
.plot { flex: 1 1 24rem; max-width: 42rem; }
.plot svg { display: block; width: 100%; height: auto; }
.plot svg * { stroke-linejoin: round; stroke-linecap: butt; }
.parse { overflow: auto hidden; }
.parse svg { display: block; }
.spans { overflow-wrap: anywhere; }
.token {
  display: inline-grid; grid-auto-rows: 1.1rem; align-items: center; font-weight: 700;
  margin-block-end: .4rem;
}
.token > * { grid-column: 1; }
.slice { height: 4px; margin-inline: -1px; }
.start {
  z-index: 1; justify-self: start; padding: 2px 3px; border-radius: 3px; color: #000;
  font-size: .6em; line-height: 1;
}
.view { margin-top: .9rem; }
.view:first-of-type { margin-top: 0; }
.gold {
  margin-top: .25rem; padding-inline-start: .75rem; border-inline-start: 3px solid var(--line);
}
.right { margin-inline-start: .4rem; color: #2e7d4f; font-weight: 400; font-size: .75rem; }
.wrong { color: #b3261e; text-decoration: line-through; }
.bar {
  display: inline-block; width: 8rem; height: .6rem; margin-inline-end: .5rem;
  background: var(--line); border-radius: .3rem; overflow: hidden;
}
.bar span { display: block; height: 100%; background: #4c78a8; }
.note { margin: .35rem 0 0; color: var(--dim); font-size: .8rem; }
.plain { margin: 0; white-space: pre-wrap; }
summary { cursor: pointer; font-size: .875rem; font-weight: 600; }
"""
