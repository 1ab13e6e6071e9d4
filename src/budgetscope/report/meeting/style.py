"""The style of the HTML report: readable on a screen, light or dark, and printed on A4."""

STYLE = """\
:root {
  --ground: #ffffff; --ink: #1a1a1a; --soft: #4a4f55; --line: #b8bec4; --tint: #f2f5f8; --mark: #e3edf6;
  --accent: #0b4f8a; --warn: #8a1c1c; --warn-ground: #fdf1f0;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #15181b; --ink: #e8eaec; --soft: #b6bcc2; --line: #4c545c; --tint: #1f2429; --mark: #23384a;
    --accent: #8fc1ee; --warn: #ffb4ab; --warn-ground: #3a1d1b;
  }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--ink); }
body {
  max-width: 58rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem;
  font: 1rem/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic",
    sans-serif;
}
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 {
  font-size: 1.3rem; line-height: 1.3; margin: 2.5rem 0 .75rem; padding-bottom: .2rem;
  border-bottom: 2px solid var(--accent);
}
h3 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
p, ul, ol { margin: .5rem 0; }
li { margin: .3rem 0; }
a { color: var(--accent); }
.subtitle { color: var(--soft); margin: 0; }
nav { background: var(--tint); border-left: 4px solid var(--accent); padding: .6rem 1.25rem; margin: 1.25rem 0; }
nav h2 { font-size: 1rem; margin: 0; border: 0; padding: 0; }
nav ol { columns: 2; column-gap: 2.5rem; margin: .3rem 0; padding-left: 1.6rem; }
nav li { margin: .1rem 0; break-inside: avoid; }
ol.points { list-style: none; padding: 0; counter-reset: point; display: grid; gap: .6rem; }
ol.points li {
  counter-increment: point; background: var(--tint); border-left: 4px solid var(--accent);
  margin: 0; padding: .7rem 1rem .7rem 3.2rem; position: relative; break-inside: avoid; font-size: 1.08rem;
}
ol.points li::before {
  content: counter(point); position: absolute; left: 1rem; top: .45rem; font-size: 1.7rem; font-weight: 700;
  line-height: 1.3; color: var(--accent);
}
ol.points strong { display: block; }
blockquote p { margin: .2rem 0; }
.alert {
  background: var(--warn-ground); color: var(--warn); border-left: 4px solid var(--warn); padding: .6rem 1rem;
}
blockquote { margin: .7rem 0; padding: .05rem 1rem; border-left: 4px solid var(--line); break-inside: avoid; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 1rem; font-size: .92rem; }
table.wide { font-size: .86rem; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; }
th, td { padding: .35rem .55rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { border-bottom: 2px solid var(--ink); vertical-align: bottom; word-break: keep-all; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
table.fixed { table-layout: fixed; }
table.fixed td { overflow-wrap: break-word; }
@media (max-width: 40rem) { table.fixed { min-width: 34rem; } }
tr.marked td { background: var(--mark); font-weight: 600; }
table.form th { width: 24%; }
table.form td { white-space: pre-wrap; }
table.form th, table.form td { border: 1px solid var(--line); height: 2.4rem; }
pre {
  background: var(--tint); border: 1px solid var(--line); padding: .6rem .8rem; white-space: pre-wrap;
  overflow-wrap: anywhere; font-size: .88rem; break-inside: avoid;
}
code { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: .92em; }
td code, p code, li code { overflow-wrap: anywhere; }
figure { margin: 1rem 0 1.5rem; break-inside: avoid; }
figure svg { display: block; width: 100%; max-width: 46rem; height: auto; background: #ffffff; padding: .25rem; }
figcaption { color: var(--soft); font-size: .92rem; margin-top: .3rem; max-width: 46rem; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .88rem; }
@media (max-width: 40rem) { nav ol { columns: 1; } }
@page {
  size: A4; margin: 17mm 15mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; color: #4a4f55; }
}
@media print {
  :root { color-scheme: light; }
  html { font-size: 9.6pt; }
  body { max-width: none; padding: 0; line-height: 1.42; }
  h2 { margin-top: 8mm; break-after: avoid; }
  h3 { break-after: avoid; }
  nav { padding: .5rem 1rem; margin: .8rem 0; }
  nav ol { columns: 3; column-gap: 1.5rem; font-size: .92rem; }
  main > section:first-child > h2 { margin-top: 4mm; }
  section.page { break-before: page; }
  section.page > h2 { margin-top: 0; }
  p, li { orphans: 3; widows: 3; }
  .scroll { overflow: visible; }
  table, pre { font-size: .88rem; }
  table.wide { font-size: .82rem; }
  table.short { break-inside: avoid; }
  th, td { padding: .9mm 1.6mm; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
  table.form th, table.form td { height: 11mm; }
  figure { margin: 4mm 0; }
  figure svg { max-width: 118mm; padding: 0; }
  figcaption { max-width: none; }
  a { color: inherit; }
  nav a { text-decoration: none; }
  tr.marked td, ol.points li, nav, pre { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
