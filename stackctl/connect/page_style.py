"""How the page at / looks."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --ink: #1a2230; --soft: #5b6677; --line: #dfe4eb;
  --code: #f3f5f8; --accent: #1f5fd0; --on-accent: #fff; --mark: #e6eefc; --warn: #8a4b00;
  --warn-ground: #fff4e0;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #0f141b; --card: #171e28; --ink: #e4e9f1; --soft: #9aa7b8; --line: #2a3442;
    --code: #0f151d; --accent: #7fb0ff; --on-accent: #0b1626; --mark: #1d2f4d; --warn: #ffc976;
    --warn-ground: #33260f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
code, pre, input, .mono {
  font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono",
    monospace;
}
header, main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; padding-bottom: .5rem; display: flex; gap: 1rem; }
header svg { flex: none; width: 2.75rem; height: 2.75rem; margin-top: .2rem; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.12rem; margin: 0 0 .9rem; }
h3 { font-size: .95rem; font-weight: 600; margin: 1.4rem 0 .5rem; }
h3.of-tab { font-size: 1.08rem; font-weight: 700; margin-top: 2rem; }
p { margin: .4rem 0; }
a { color: var(--accent); }
.soft { color: var(--soft); }
small, .small { font-size: .875rem; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 1.25rem 1.4rem 1.35rem; margin: 1.1rem 0;
}
.warn {
  background: var(--warn-ground); color: var(--warn); border-radius: 8px; padding: .6rem .85rem;
}
dl { display: grid; grid-template-columns: 6.5rem 1fr; gap: .9rem 1rem; margin: 0; }
dt { color: var(--soft); padding-top: .3rem; }
dd { margin: 0; min-width: 0; }
.line { display: flex; align-items: center; gap: .6rem; }
.line > code, .line > input { flex: 1; min-width: 0; }
.line > code {
  background: var(--code); border: 1px solid var(--line); border-radius: 8px;
  padding: .38rem .7rem; overflow-x: auto; white-space: nowrap; font-size: .95rem;
}
input {
  font-size: .95rem; padding: .42rem .7rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--card); color: inherit;
}
button, .button {
  font: inherit; font-size: .875rem; color: var(--accent); background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; padding: .35rem .8rem; cursor: pointer;
  text-decoration: none; white-space: nowrap;
}
button:hover, .button:hover { border-color: var(--accent); }
.button.main { background: var(--accent); color: var(--on-accent); border-color: var(--accent);
  display: inline-block; padding: .5rem 1rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.table { overflow-x: auto; margin: 0 -.4rem; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 500; font-size: .875rem; color: var(--soft); }
th, td { padding: .5rem .4rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td code { overflow-wrap: anywhere; }
.number { text-align: right; white-space: nowrap; padding-right: 2.5rem; }
.status { white-space: nowrap; padding-right: 1.5rem; }
[role=tablist] { display: flex; flex-wrap: wrap; gap: .4rem; margin-bottom: .4rem; }
[role=tab][aria-selected=true] {
  background: var(--accent); color: var(--on-accent); border-color: var(--accent);
}
.block { position: relative; }
pre {
  margin: 0; padding: .9rem 1rem; background: var(--code); border: 1px solid var(--line);
  border-radius: 8px; overflow-x: auto; font-size: .875rem; line-height: 1.5; tab-size: 4;
}
.block > button { position: absolute; top: .5rem; right: .5rem; }
.key { background: var(--mark); color: var(--accent); border-radius: 4px; padding: 0 .15em; }
details { border-top: 1px solid var(--line); padding: .55rem 0; }
details:last-of-type { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; }
details pre { margin: .6rem 0 .3rem; }
.finger { overflow-wrap: anywhere; }
footer { padding-bottom: 3rem; color: var(--soft); font-size: .875rem; }
[hidden], [data-by=http] .https, [data-by=https] .http { display: none !important; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  header { padding-top: 1.4rem; gap: .75rem; }
  header svg { width: 2.2rem; height: 2.2rem; }
  h1 { font-size: 1.35rem; }
  header, main, footer { padding-left: .8rem; padding-right: .8rem; }
  section { padding: 1rem; }
  dl { grid-template-columns: 1fr; gap: .25rem; }
  dd + dt { margin-top: .6rem; }
  [role=tablist] { flex-wrap: nowrap; overflow-x: auto; margin: 0 -1rem .4rem; padding: 2px 1rem; }
  .block > button { position: static; display: block; margin: .4rem 0 0 auto; }
  thead { display: none; }
  tr { display: block; padding: .6rem 0; border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
  td, td.number {
    display: flex; gap: .75rem; border: 0; padding: .12rem .4rem; text-align: left;
    white-space: normal;
  }
  td[data-is]::before { content: attr(data-is); flex: 0 0 6.5rem; color: var(--soft); }
  td:empty { display: none; }
}
@media print {
  button, .tabs, .only-script, .button { display: none !important; }
  [role=tabpanel][hidden], .of-tab[hidden] { display: block !important; }
  pre { white-space: pre-wrap; }
  .block { break-inside: avoid-page; }
}
"""
