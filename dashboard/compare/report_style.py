"""The style of a report: light and dark as the reader's system is, and fit to be printed."""

STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --text: #1c2024; --quiet: #5f6670;
  --line: #e3e6ea; --head: #f6f7f9; --accent: #4f46e5; }
@media (prefers-color-scheme: dark) { :root { --back: #111316; --text: #e7e9ec;
  --quiet: #9aa1ab; --line: #2c3036; --head: #1a1d21; --accent: #8b8cf8; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 36px 0 10px; }
a { color: var(--accent); }
.quiet { color: var(--quiet); font-size: .9rem; margin: 6px 0; }
figure { margin: 28px 0 0; }
figcaption { font-weight: 600; margin-bottom: 4px; overflow-wrap: anywhere; }
figure svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--quiet); font-size: 12px; }
.grid { stroke: var(--line); stroke-width: 1; }
polyline:hover { stroke-width: 4; opacity: 1; }
.dot { width: 10px; height: 10px; margin-right: 7px; flex: none; }
.key { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; padding: 0;
  margin: 10px 0; font-size: .9rem; }
.key li { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .88rem; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; font-weight: 400; max-width: 320px; overflow-wrap: anywhere; }
thead th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
dt { font-weight: 600; margin-top: 12px; }
dd { margin: 2px 0 0; color: var(--quiet); }
@media print { main { max-width: none; padding: 0; } body { font-size: 11px; }
  .wide { overflow: visible; } figure, tr, dd { break-inside: avoid; } h2 { break-after: avoid; }
  thead { display: table-header-group; } }
"""
